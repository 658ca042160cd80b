package dev.virtualip.agent.vrrp;

/** The outcome of decoding a received datagram. */
public sealed interface Decoded {

  /**
   * A valid advert.
   *
   * @param advertisement its content
   * @param sequence the sequence of its HMAC trailer, or null if it has none
   */
  record Accepted(Advertisement advertisement, Long sequence) implements Decoded {
    /** An advert without an HMAC trailer. */
    public Accepted(Advertisement advertisement) {
      this(advertisement, null);
    }
  }

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
    OwnAddress,
    /** It is not signed, and mode Enforce asks for that. */
    HmacMissing,
    /** The HMAC trailer has another scheme, or reserved bits. */
    HmacMalformed,
    /** Its time is too far from this node's wall clock. */
    HmacStale,
    /** It is signed with a key whose id is not known here. */
    HmacUnknownKey,
    /** Its HMAC is not that of the key: another key, or it has been altered. */
    HmacWrong,
    /** It has been sent before. */
    HmacReplayed
  }
}
