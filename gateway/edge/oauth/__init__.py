"""OAuth 2.0 as FAPI 2.0 narrows it: client assertions in, certificate-bound access tokens out."""
