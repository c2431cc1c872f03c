/** What npm's `macaroon` takes from Node's `util`, for a runtime that has them as globals. */

const { TextDecoder: Decoder, TextEncoder: Encoder } = globalThis;

export { Decoder as TextDecoder, Encoder as TextEncoder };
