"""Sign-in through the school's OpenID providers: Google Workspace, Microsoft Entra, or any other.

    browser                     Lousa                                   provider
      GET /accounts/through/google
        ---------------------->  Attempt: state, nonce, PKCE in a cookie
        <- redirect -----------  Published: metadata
      signs in there ------------------------------------------------->
        <- redirect with code and state -------------------------------
      GET …/google/back
        ---------------------->  state == cookie?  code, verifier ---->  token endpoint
                                 ID token: signature, claims  <--------  keys (JWKS)
        <- sign-in cookie -----  accounts: whose is (issuer, subject)?

`provider` is what the school says of each, `provider_file` reads it, `attempt` one sign-in of one browser, `published`
what a provider publishes, `token` the checks, `client` joins them. None of it knows people or pages: who somebody is
decides server/accounts/school_sign_in.py.
"""
