// An authorization server to try Postern with: npm's oidc-provider, which is
// certified for OpenID Connect. It listens on loopback and forgets everything
// when it ends.
//
//   node provider.mjs [PORT]
//
// Besides what every provider has (discovery, keys, tokens, introspection,
// revocation), POST /rotate makes new keys: they sign from then on, and those
// from before stay published once more. POST /rotate?drop=1 publishes only the
// new ones. The client is "shop" with the secret "shop-secret".
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.argv[2] ?? 9000);
const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

// A resource is an audience; its last part says how its tokens are signed.
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const resources = new Map(algorithms.map((alg) => [`urn:orders:${alg}`, {
  scope: 'orders:read orders:write',
  audience: 'orders',
  accessTokenFormat: 'jwt',
  accessTokenTTL: 600,
  jwt: { sign: { alg } },
}]));
resources.set('urn:orders:opaque', {
  scope: 'orders:read orders:write', audience: 'orders', accessTokenFormat: 'opaque', accessTokenTTL: 600,
});

function newKeys() {
  const generation = randomBytes(4).toString('hex');
  const make = (alg, type, options) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    alg, use: 'sig', kid: `${alg}-${generation}`,
  });
  return [
    make('RS256', 'rsa', { modulusLength: 2048 }),
    make('PS256', 'rsa', { modulusLength: 2048 }),
    make('ES256', 'ec', { namedCurve: 'P-256' }),
    make('EdDSA', 'ed25519'),
  ];
}

function newProvider(keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'shop',
      client_secret: 'shop-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }, {
      client_id: 'shop-mtls', // its tokens are bound to its certificate (RFC 8705)
      client_secret: 'shop-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      tls_client_certificate_bound_access_tokens: true,
    }, {
      client_id: 'edge', // the gateway itself, when it asks about opaque tokens
      client_secret: 'edge-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }],
    scopes: ['orders:read', 'orders:write'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        // What a TLS terminator in front would send: here the test plays it.
        getCertificate: (ctx) => {
          const pem = ctx.get('x-client-cert');
          return pem ? decodeURIComponent(pem) : undefined;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:orders:RS256',
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, indicator) => {
          const found = resources.get(indicator);
          if (!found) throw new Error(`unknown resource ${indicator}`);
          return found;
        },
      },
    },
    enabledJWA: { dPoPSigningAlgValues: ['ES256', 'Ed25519', 'EdDSA'] },
  });
}

let keys = newKeys();
let serve = newProvider(keys).callback();

function answer(request, response) {
  if (request.method !== 'POST' || !request.url.startsWith('/rotate')) {
    serve(request, response);
    return;
  }
  const fresh = newKeys();
  const kept = request.url.endsWith('?drop=1') ? [] : keys;
  serve = newProvider([...fresh, ...kept]).callback();
  keys = fresh;
  response.end(`${JSON.stringify(fresh.map((key) => key.kid))}\n`);
}

console.log(`issuer ${issuer}`);
