package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Reason;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Bytes of VRRP messages (RFC 3768 5.1, RFC 9568 5.1).
 *
 * <pre>
 *  0               1               2               3
 * +-------+-------+---------------+---------------+---------------+
 * |Version| Type  | Virtual Rtr ID|   Priority    | IP Addr Count |
 * +-------+-------+---------------+---------------+---------------+
 * |   Auth Type   |   Adver Int   |           Checksum            |  version 2
 * | (rsvd)|  Max Advertise Int    |           Checksum            |  version 3
 * +---------------+---------------+---------------+---------------+
 * |                 IP addresses, 4 or 16 bytes each              |
 * +---------------------------------------------------------------+
 * |            version 2: authentication data, 8 bytes            |
 * +---------------------------------------------------------------+
 * </pre>
 */
public final class AdvertisementCodec {
  /** IP protocol number of VRRP. */
  public static final int PROTOCOL = 112;

  private static final int HEADER = 8;
  private static final int TYPE_ADVERTISEMENT = 1;
  private static final int TTL = 255;
  private static final int AUTH_NONE = 0;
  private static final int AUTH_PASSWORD = 1;
  private static final int AUTH_AH = 2;
  private static final long SECOND = 1_000_000_000L;
  private static final long CENTISECOND = SECOND / 100;
  private static final int CHECKSUM_AT = 6;

  private AdvertisementCodec() {}

  /**
   * What the checksum of a VRRPv3 message over IPv4 covers; implementers have read RFC 5798 both
   * ways.
   */
  public enum ChecksumForm {
    /** Message and pseudo-header, as keepalived and FRR send by default. */
    PseudoHeader,
    /** The message alone (RFC 9568 5.2.8). */
    MessageOnly
  }

  /** The VRID of a message, valid or not; -1 if the message is too short to have one. */
  public static int vrid(byte[] payload) {
    return payload.length < 2 ? -1 : payload[1] & 0xFF;
  }

  /**
   * The message to one destination, with keepalived's default checksum, {@link
   * ChecksumForm#PseudoHeader}.
   */
  public static byte[] encode(
      Advertisement advert, Password password, InetAddress source, InetAddress destination) {
    return encode(advert, password, source, destination, ChecksumForm.PseudoHeader);
  }

  /**
   * The message to one destination.
   *
   * @param password VRRPv2 simple text password, or null for none; ignored by VRRPv3
   * @param form what the checksum of a VRRPv3 message over IPv4 covers; VRRPv2 and IPv6 have one
   *     form only
   * @throws IllegalArgumentException if there are no or more than 255 addresses, or the interval
   *     does not fit the version
   */
  public static byte[] encode(
      Advertisement advert,
      Password password,
      InetAddress source,
      InetAddress destination,
      ChecksumForm form) {
    boolean v2 = advert.version() == Version.V2;
    int count = advert.addresses().size();
    if (count < 1 || count > 255) {
      throw new IllegalArgumentException("an advert lists 1 to 255 addresses, not " + count);
    }
    int addressLength = advert.addresses().getFirst().getAddress().length;
    var message =
        ByteBuffer.allocate(HEADER + count * addressLength + (v2 ? Password.LENGTH : 0))
            .put((byte) (advert.version().number() << 4 | TYPE_ADVERTISEMENT))
            .put((byte) advert.vrid())
            .put((byte) advert.priority())
            .put((byte) count)
            .putShort((short) intervalField(advert, password))
            .putShort((short) 0);
    advert.addresses().forEach(address -> message.put(address.getAddress()));
    if (v2 && password != null) {
      message.put(password.bytes());
    }
    var bytes = message.array();
    boolean alone = v2 || form == ChecksumForm.MessageOnly && source instanceof Inet4Address;
    int sum =
        alone
            ? Checksum.of(bytes)
            : Checksum.of(bytes, source.getAddress(), destination.getAddress(), PROTOCOL);
    return message.putShort(CHECKSUM_AT, (short) sum).array();
  }

  /** Bytes 4 and 5. VRRPv2: authentication type and seconds; VRRPv3: centiseconds. */
  private static int intervalField(Advertisement advert, Password password) {
    boolean v2 = advert.version() == Version.V2;
    long unit = v2 ? SECOND : CENTISECOND;
    long units = advert.interval() / unit;
    if (advert.interval() % unit != 0 || units < 1 || units > (v2 ? 255 : 4095)) {
      throw new IllegalArgumentException(
          "VRRPv%d cannot carry an interval of %d ns"
              .formatted(advert.version().number(), advert.interval()));
    }
    int authType = v2 && password != null ? AUTH_PASSWORD : AUTH_NONE;
    return authType << 8 | (int) units;
  }

  /**
   * What a receiver expects of its peers.
   *
   * @param version protocol version
   * @param interval own interval in nanoseconds; VRRPv2 peers must have the same
   * @param password VRRPv2 password, or null for none
   * @param source own source address, or null while there is none
   * @param peers unicast: source addresses of valid adverts; null for multicast
   * @param minTtl lowest TTL or hop limit of a valid advert, 1 to 255; with multicast 255
   * @param hmac keys of signed adverts, or null if adverts have no HMAC trailer
   * @param freshness how old signed adverts may be; null without {@code hmac}
   */
  public record Expected(
      Version version,
      long interval,
      Password password,
      InetAddress source,
      Set<InetAddress> peers,
      int minTtl,
      Hmac hmac,
      Freshness freshness) {
    /** Without HMAC. */
    public Expected(
        Version version,
        long interval,
        Password password,
        InetAddress source,
        Set<InetAddress> peers,
        int minTtl) {
      this(version, interval, password, source, peers, minTtl, null, null);
    }

    /** For multicast: adverts of any source address are valid. */
    public Expected(Version version, long interval, Password password, InetAddress source) {
      this(version, interval, password, source, null, TTL);
    }
  }

  /** The form of the checksum in an accepted VRRPv3 message over IPv4. */
  public static ChecksumForm checksumForm(Datagram datagram) {
    var payload = datagram.payload();
    int length = Math.min(payload.length, HEADER + (payload[3] & 0xFF) * 4);
    return Checksum.of(Arrays.copyOf(payload, length)) == 0
        ? ChecksumForm.MessageOnly
        : ChecksumForm.PseudoHeader;
  }

  /**
   * Decodes and checks a received datagram, in the order of keepalived's checks. Never throws,
   * whatever the bytes.
   */
  public static Decoded decode(Datagram datagram, Expected expected) {
    var payload = datagram.payload();
    if (payload.length < HEADER) {
      return new Rejected(Reason.TooShort);
    }
    if (datagram.source().equals(expected.source())) {
      return new Rejected(Reason.OwnAddress);
    }
    if (expected.peers() != null && !expected.peers().contains(datagram.source())) {
      return new Rejected(Reason.NotAPeer);
    }
    boolean ipv4 = datagram.source() instanceof Inet4Address;
    int version = (payload[0] & 0xF0) >> 4;
    int count = payload[3] & 0xFF;
    int length = HEADER + count * (ipv4 ? 4 : 16) + (version == 2 && ipv4 ? Password.LENGTH : 0);
    boolean signed = expected.hmac() != null && payload.length == length + HmacTrailer.LENGTH;
    if (payload.length != length && !signed) {
      return new Rejected(Reason.Length);
    }
    if (datagram.ttl() < expected.minTtl()) {
      return new Rejected(Reason.Ttl);
    }
    if (version != expected.version().number()) {
      return new Rejected(Reason.Version);
    }
    var message = signed ? Arrays.copyOf(payload, length) : payload;
    var reason = checkMessage(message, datagram, expected, ipv4);
    if (reason == null) {
      reason = checkHmac(payload, signed, expected, datagram.source());
    }
    return reason == null
        ? new Accepted(
            new Advertisement(
                expected.version(),
                payload[1] & 0xFF,
                payload[2] & 0xFF,
                interval(payload, expected.version()),
                addresses(payload, count, ipv4 ? 4 : 16)),
            signed ? HmacTrailer.sequence(payload) : null)
        : new Rejected(reason);
  }

  private static Reason checkMessage(
      byte[] message, Datagram datagram, Expected expected, boolean ipv4) {
    var reason =
        expected.version() == Version.V2
            ? checkVersion2(message, expected)
            : checkVersion3(message);
    if (reason != null) {
      return reason;
    }
    if ((message[0] & 0x0F) != TYPE_ADVERTISEMENT) {
      return Reason.Type;
    }
    if (message[3] == 0) {
      return Reason.NoAddresses;
    }
    // Over IPv6 the checksum is the kernel's, which covers all that follows the IP header.
    var summed = ipv4 ? message : datagram.payload();
    return checksumFits(summed, datagram, expected.version(), ipv4) ? null : Reason.Checksum;
  }

  private static Reason checkHmac(
      byte[] payload, boolean signed, Expected expected, InetAddress source) {
    var hmac = expected.hmac();
    if (hmac == null) {
      return null;
    }
    if (!signed) {
      return hmac.mode() == Hmac.Mode.Enforce ? Reason.HmacMissing : null;
    }
    return HmacTrailer.check(payload, hmac, expected.freshness(), source);
  }

  private static Reason checkVersion2(byte[] payload, Expected expected) {
    int authType = payload[4] & 0xFF;
    if (authType > AUTH_AH) {
      return Reason.AuthTypeInvalid;
    }
    if (authType != (expected.password() == null ? AUTH_NONE : AUTH_PASSWORD)) {
      return Reason.AuthTypeMismatch;
    }
    int at = payload.length - Password.LENGTH;
    if (expected.password() != null
        && !expected.password().matches(Arrays.copyOfRange(payload, at, payload.length))) {
      return Reason.AuthFailure;
    }
    return interval(payload, Version.V2) == expected.interval() ? null : Reason.Interval;
  }

  private static Reason checkVersion3(byte[] payload) {
    return interval(payload, Version.V3) == 0 ? Reason.Interval : null;
  }

  private static long interval(byte[] payload, Version version) {
    return version == Version.V2
        ? (payload[5] & 0xFF) * SECOND
        : ((payload[4] & 0x0F) << 8 | payload[5] & 0xFF) * CENTISECOND;
  }

  /** VRRPv3 over IPv4 has two {@linkplain ChecksumForm forms}; both are accepted. */
  private static boolean checksumFits(
      byte[] summed, Datagram datagram, Version version, boolean ipv4) {
    boolean alone = ipv4 && Checksum.of(summed) == 0;
    return version == Version.V2
        ? alone
        : alone
            || Checksum.of(
                    summed,
                    datagram.source().getAddress(),
                    datagram.destination().getAddress(),
                    PROTOCOL)
                == 0;
  }

  private static List<InetAddress> addresses(byte[] payload, int count, int length) {
    var addresses = new ArrayList<InetAddress>(count);
    for (int i = 0; i < count; i++) {
      int at = HEADER + i * length;
      try {
        addresses.add(InetAddress.getByAddress(Arrays.copyOfRange(payload, at, at + length)));
      } catch (UnknownHostException e) {
        throw new AssertionError(e);
      }
    }
    return addresses;
  }
}
