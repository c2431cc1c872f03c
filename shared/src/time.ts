/** Units of time as types, so that seconds and milliseconds cannot be mixed. No clock here. */

declare const unit: unique symbol;

/** Whole seconds since 1970-01-01T00:00:00Z: the NumericDate of RFC 7519 §2, integers only. */
export type UnixSeconds = number & { readonly [unit]: 'seconds' };

/** Whole milliseconds since 1970-01-01T00:00:00Z. */
export type UnixMilliseconds = number & { readonly [unit]: 'milliseconds' };

/** Brands an integer that is known to be seconds; a fraction is cut off towards the past. */
export function unixSeconds(seconds: number): UnixSeconds {
  return Math.floor(seconds) as UnixSeconds;
}

export function unixMilliseconds(milliseconds: number): UnixMilliseconds {
  return Math.floor(milliseconds) as UnixMilliseconds;
}

/** The second that has begun at `milliseconds`. */
export function secondsOf(milliseconds: UnixMilliseconds): UnixSeconds {
  return Math.floor(milliseconds / 1000) as UnixSeconds;
}
