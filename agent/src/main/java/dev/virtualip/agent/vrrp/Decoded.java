package dev.virtualip.agent.vrrp;

/** The outcome of decoding a received datagram. */
public sealed interface Decoded {

  /**
   * A valid advert.
   *
   * @param advertisement its content
   */
  record Accepted(Advertisement advertisement) implements Decoded {}

  /**
   * Not a valid advert; it must change nothing but a counter.
   *
   * @param reason what is wrong with it
   */
  record Rejected(Reason reason) implements Decoded {}

  /** Why a datagram was dropped; the checks of RFC 9568 7.1 and RFC 3768 7.1. */
  enum Reason {
    /** Shorter than a VRRP header. */
    TooShort,
    /** Not the length that version and address count call for. */
    Length,
    /** TTL or hop limit is not 255: it has crossed a router. */
    Ttl,
    /** Another protocol version than the configured one. */
    Version,
    /** VRRPv2: an unknown authentication type. */
    AuthTypeInvalid,
    /** VRRPv2: another authentication type than the configured one. */
    AuthTypeMismatch,
    /** VRRPv2: wrong password. */
    AuthFailure,
    /** VRRPv2: another interval than the configured one; VRRPv3: an interval of 0. */
    Interval,
    /** Not an advertisement. */
    Type,
    /** No addresses (RFC 9568 errata 8299). */
    NoAddresses,
    /** Wrong checksum. */
    Checksum,
    /** Unicast: its source address is not that of a configured peer. */
    NotAPeer,
    /** It carries our own source address: a loop, or a duplicate address. */
    OwnAddress
  }
}
