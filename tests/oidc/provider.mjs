/**
 * A certified, strict OpenID provider (npm oidc-provider) on this machine, for tests: anybody signs in as whom they say.
 *
 *     node provider.mjs '{"port": 3000, "callback": "http://…/back", "logout": "http://…/logout"}'
 *
 * It says "ready" when it listens. Each start makes a new key; what it knew before is forgotten.
 */

import {generateKeyPairSync, randomUUID} from "node:crypto";
import {Provider} from "oidc-provider";

const {port, callback, logout} = JSON.parse(process.argv[2]);
const {privateKey} = generateKeyPairSync("rsa", {modulusLength: 2048});
const key = {...privateKey.export({format: "jwk"}), kid: randomUUID(), alg: "RS256", use: "sig"};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: "lousa",
      client_secret: "a secret: with + and %",
      redirect_uris: [callback],
      backchannel_logout_uri: logout,
      backchannel_logout_session_required: true,
    },
  ],
  claims: {openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"]},
  cookies: {keys: ["a key of tests"]},
  features: {backchannelLogout: {enabled: true}},
  // Without its guard against addresses of this machine: Lousa has one.
  fetch: (url, {dispatcher: _, ...options}) => fetch(url, options),
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({sub: `number of ${id}`, preferred_username: id, email: `${id}@escola.example`, email_verified: true}),
  }),
  jwks: {keys: [key]},
  pkce: {required: () => true},
});
provider.listen(port, () => console.log("ready"));
