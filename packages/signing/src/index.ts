/**
 * Grants to put and get bytes, as signed URLs. WebCrypto only, no dependencies: the same code runs in Node, in a browser
 * and in a Cloudflare Worker.
 */
export {}
