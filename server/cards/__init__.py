"""Cards with which people sign in for the first time: a login, a one-time code, and a QR code that has both."""
