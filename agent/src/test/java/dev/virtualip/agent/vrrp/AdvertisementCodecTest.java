package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.virtualip.agent.vrrp.AdvertisementCodec.ChecksumForm;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Reason;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Bytes on the wire. Those called golden were captured from keepalived 2.2.7; case numbers are
 * those of docs/protocol-cases.md.
 */
class AdvertisementCodecTest {
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress A = ip("10.9.0.1");
  private static final InetAddress US = ip("10.9.0.9");
  private static final InetAddress GROUP = ip("224.0.0.18");
  private static final InetAddress VIP = ip("10.9.0.100");
  private static final InetAddress VIP2 = ip("10.9.0.101");

  private static InetAddress ip(String text) {
    return InetAddress.ofLiteral(text);
  }

  private static Password password(String text) {
    return new Password(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static Advertisement v2(int priority, InetAddress... addresses) {
    return new Advertisement(Version.V2, 51, priority, SECOND, List.of(addresses));
  }

  private static Advertisement v3(int priority, InetAddress... addresses) {
    return new Advertisement(Version.V3, 51, priority, SECOND, List.of(addresses));
  }

  private static String hex(Advertisement advert, Password password, InetAddress to) {
    return HexFormat.of().formatHex(AdvertisementCodec.encode(advert, password, A, to));
  }

  private static Decoded decode(String hex, Expected expected) {
    return AdvertisementCodec.decode(datagram(hex, 255), expected);
  }

  private static Datagram datagram(String hex, int ttl) {
    return new Datagram(A, GROUP, ttl, HexFormat.of().parseHex(hex));
  }

  private static Expected expectV2(String password) {
    return new Expected(Version.V2, SECOND, password == null ? null : password(password), US);
  }

  private static Expected expectV3() {
    return new Expected(Version.V3, SECOND, null, US);
  }

  @Test
  void case1_version2WithPasswordIsKeepalivedsBytes() {
    assertEquals(
        "213350020101a8190a0900640a0900653132333435363738",
        hex(v2(80, VIP, VIP2), password("1234567890"), GROUP));
  }

  @Test
  void case2_resigningChangesPriorityAndChecksumOnly() {
    assertEquals(
        "213300020101f8190a0900640a0900653132333435363738",
        hex(v2(0, VIP, VIP2), password("1234567890"), GROUP));
  }

  @Test
  void case3_theAuthenticationDataIsAlwaysThereInVersion2() {
    assertEquals("213364010001705d0a0900640000000000000000", hex(v2(100, VIP), null, GROUP));
    assertEquals(
        "2133640101010dfb0a0900646162000000000000", hex(v2(100, VIP), password("ab"), GROUP));
    assertEquals(
        "2133640101019e880a0900643132333435363738", hex(v2(100, VIP), password("12345678"), GROUP));
  }

  @Test
  void case4_version3SumsThePseudoHeaderAsKeepalivedDoes() {
    assertEquals("31336401006475610a090064", hex(v3(100, VIP), null, GROUP));
    assertEquals("313300010064d9610a090064", hex(v3(0, VIP), null, GROUP));
  }

  @Test
  void case4_rfc9568SumsTheMessageAlone() {
    var alone = AdvertisementCodec.encode(v3(100, VIP), null, A, GROUP, ChecksumForm.MessageOnly);
    assertEquals("3133640100645ffa0a090064", HexFormat.of().formatHex(alone));
    var version2 =
        AdvertisementCodec.encode(v2(100, VIP), null, A, GROUP, ChecksumForm.MessageOnly);
    assertEquals(hex(v2(100, VIP), null, GROUP), HexFormat.of().formatHex(version2));
  }

  @Test
  void theChecksumFormOfAnAdvertCanBeTold() {
    assertEquals(
        ChecksumForm.PseudoHeader,
        AdvertisementCodec.checksumForm(datagram("31336401006475610a090064", 255)));
    assertEquals(
        ChecksumForm.MessageOnly,
        AdvertisementCodec.checksumForm(datagram("3133640100645ffa0a090064", 255)));
  }

  @Test
  void case53_unicastTakesPeersOnThisNetworkOrAsManyRoutersAwayAsTheyMayBe() {
    var advert = v3(200, VIP);
    var bytes = HexFormat.of().parseHex(hex(advert, null, US));
    var here = new Expected(Version.V3, SECOND, null, US, Set.of(A), 255);
    var near = new Expected(Version.V3, SECOND, null, US, Set.of(A), 253);
    var stranger = new Expected(Version.V3, SECOND, null, US, Set.of(VIP), 1);
    var accepted = new Accepted(advert);
    var rejected = new Rejected(Reason.Ttl);
    assertEquals(accepted, AdvertisementCodec.decode(new Datagram(A, US, 255, bytes), here));
    assertEquals(rejected, AdvertisementCodec.decode(new Datagram(A, US, 254, bytes), here));
    assertEquals(accepted, AdvertisementCodec.decode(new Datagram(A, US, 253, bytes), near));
    assertEquals(rejected, AdvertisementCodec.decode(new Datagram(A, US, 252, bytes), near));
    assertEquals(
        new Rejected(Reason.NotAPeer),
        AdvertisementCodec.decode(new Datagram(A, US, 255, bytes), stranger));
  }

  @Test
  void case5_aUnicastSumUsesTheRealDestination() {
    assertEquals("3133640100644b620a090064", hex(v3(100, VIP), null, ip("10.9.0.9")));
  }

  @Test
  void case6_ipv6IsKeepalivedsBytes() {
    var advert =
        new Advertisement(
            Version.V3, 61, 100, SECOND / 2, List.of(ip("fe80::61"), ip("2001:db8:9::100")));
    var bytes =
        AdvertisementCodec.encode(advert, null, ip("fe80::8c49:39ff:fe1e:43f9"), ip("ff02::12"));
    assertEquals(
        "313d64020032365bfe8000000000000000000000000000612001" + "0db8000900000000000000000100",
        HexFormat.of().formatHex(bytes));
    var resigning = new Advertisement(Version.V3, 61, 0, SECOND / 2, advert.addresses());
    var last =
        AdvertisementCodec.encode(resigning, null, ip("fe80::8c49:39ff:fe1e:43f9"), ip("ff02::12"));
    assertEquals("313d0002" + "00329a5b", HexFormat.of().formatHex(last, 0, 8));
  }

  @ParameterizedTest
  @CsvSource({"1000, 0064", "40950, 0fff", "10, 0001"})
  void case8_version3CountsCentiseconds(long millis, String field) {
    var advert = new Advertisement(Version.V3, 51, 100, millis * 1_000_000, List.of(VIP));
    assertEquals(field, hex(advert, null, GROUP).substring(8, 12));
  }

  @ParameterizedTest
  @CsvSource({"V3, 41000", "V3, 5", "V2, 400", "V2, 256000", "V2, 1500"})
  void case8_anIntervalThatDoesNotFitIsRefused(Version version, long millis) {
    var advert = new Advertisement(version, 51, 100, millis * 1_000_000, List.of(VIP));
    assertThrows(IllegalArgumentException.class, () -> hex(advert, null, GROUP));
  }

  @Test
  void case11_twentyAddressesMakeA96ByteMessage() {
    var advert = new Advertisement(Version.V2, 51, 100, SECOND, Collections.nCopies(20, VIP));
    assertEquals(96, AdvertisementCodec.encode(advert, null, A, GROUP).length);
  }

  @Test
  void whatIsEncodedIsDecoded() {
    for (var advert : List.of(v2(100, VIP, VIP2), v2(0, VIP), v2(255, VIP))) {
      assertEquals(new Accepted(advert), decode(hex(advert, null, GROUP), expectV2(null)));
      assertEquals(
          new Accepted(advert), decode(hex(advert, password("secret"), GROUP), expectV2("secret")));
    }
    assertEquals(
        new Accepted(v3(7, VIP2, VIP)), decode(hex(v3(7, VIP2, VIP), null, GROUP), expectV3()));
  }

  @Test
  void case12_aTtlBelow255IsDropped() {
    var bytes = hex(v3(150, VIP), null, GROUP);
    assertEquals(
        new Rejected(Reason.Ttl), AdvertisementCodec.decode(datagram(bytes, 254), expectV3()));
  }

  @Test
  void case13_wrongPasswordNoPasswordAndUnknownTypeAreToldApart() {
    assertEquals(
        new Rejected(Reason.AuthFailure),
        decode(hex(v2(150, VIP), password("wrong"), GROUP), expectV2("right")));
    assertEquals(
        new Rejected(Reason.AuthTypeMismatch),
        decode(hex(v2(150, VIP), null, GROUP), expectV2("right")));
    var unknownType = "2133960107013e5d0a0900640000000000000000";
    assertEquals(new Rejected(Reason.AuthTypeInvalid), decode(unknownType, expectV2("right")));
  }

  @Test
  void case14_version2DropsAnotherIntervalAndVersion3ReadsIt() {
    var slow = new Advertisement(Version.V2, 51, 150, 2 * SECOND, List.of(VIP));
    assertEquals(new Rejected(Reason.Interval), decode(hex(slow, null, GROUP), expectV2(null)));
    var slow3 = new Advertisement(Version.V3, 51, 150, 2 * SECOND, List.of(VIP));
    assertEquals(new Accepted(slow3), decode(hex(slow3, null, GROUP), expectV3()));
  }

  @Test
  void case15_checksumTypeAndVersionAreToldApart() {
    assertEquals(new Rejected(Reason.Checksum), decode("31336401006475620a090064", expectV3()));
    assertEquals(new Rejected(Reason.Type), decode("32336401006475610a090064", expectV3()));
    var v3asLongAsV2 = "313364030064000000000000000000000000000000000000".substring(0, 40);
    assertEquals(new Rejected(Reason.Version), decode(v3asLongAsV2, expectV2(null)));
  }

  @Test
  void case16_version3AcceptsBothChecksumFormsAndNothingElse() {
    assertInstanceOf(Accepted.class, decode("31336401006475610a090064", expectV3()));
    assertInstanceOf(Accepted.class, decode("3133640100645ffa0a090064", expectV3()));
    assertEquals(new Rejected(Reason.Checksum), decode("313364010064abcd0a090064", expectV3()));
  }

  @Test
  void case18_theReservedNibbleOfVersion3IsIgnored() {
    var advert = HexFormat.of().parseHex("3133640100640000" + "0a090064");
    advert[4] |= (byte) 0xF0;
    int sum = Checksum.of(advert);
    advert[6] = (byte) (sum >> 8);
    advert[7] = (byte) sum;
    assertEquals(
        new Accepted(v3(100, VIP)),
        AdvertisementCodec.decode(new Datagram(A, GROUP, 255, advert), expectV3()));
  }

  @Test
  void case20_extraBytesInsideTheDatagramAreDropped() {
    assertEquals(
        new Rejected(Reason.Length), decode("31336401006475610a09006400000000", expectV3()));
  }

  @Test
  void case21_intervalZeroAndCountZeroAreDropped() {
    assertEquals(new Rejected(Reason.Interval), decode("3133640100005ffa0a090064", expectV3()));
    assertEquals(new Rejected(Reason.NoAddresses), decode("31336400006469c7", expectV3()));
  }

  @Test
  void case27_ourOwnSourceAddressIsDropped() {
    var mine = new Expected(Version.V3, SECOND, null, A);
    assertEquals(new Rejected(Reason.OwnAddress), decode("31336401006475610a090064", mine));
  }

  @Test
  void case59_liesAboutLengthAndShortMessagesAreDropped() {
    assertEquals(new Rejected(Reason.Length), decode("313364ff006475610a090064", expectV3()));
    IntStream.range(0, 8)
        .forEach(
            n -> assertEquals(new Rejected(Reason.TooShort), decode("31".repeat(n), expectV3())));
  }

  @Test
  void case59_aMillionRandomMessagesThrowNothing() {
    var random = new Random(59);
    var expected = List.of(expectV2("secret"), expectV2(null), expectV3());
    int accepted = 0;
    for (int i = 0; i < 1_000_000; i++) {
      var bytes = new byte[random.nextInt(64)];
      random.nextBytes(bytes);
      if (bytes.length > 3 && random.nextBoolean()) {
        bytes[0] = (byte) (random.nextBoolean() ? 0x21 : 0x31);
        bytes[3] = (byte) random.nextInt(4);
      }
      var decoded =
          AdvertisementCodec.decode(
              new Datagram(A, GROUP, 255, bytes), expected.get(random.nextInt(3)));
      accepted += decoded instanceof Accepted ? 1 : 0;
    }
    // About one in 65,536 of those that get that far has the right sum by chance.
    assertEquals(true, accepted < 100, "accepted by chance: " + accepted);
  }
}
