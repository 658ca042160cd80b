package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Decoded;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.Hmac.Mode;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Version;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/**
 * What anyone on the LAN can send. {@code make fuzz} lets Jazzer look for bytes that break it; all
 * other runs try what is in the folder {@code DecoderFuzzTestInputs} only.
 */
class DecoderFuzzTest {
  private static final InetAddress OWN = InetAddress.ofLiteral("10.9.0.100");
  private static final long SECOND = 1_000_000_000L;
  private static final List<Expected> EXPECTED =
      List.of(
          new Expected(Version.V2, SECOND, null, OWN),
          new Expected(
              Version.V2,
              SECOND,
              new Password("12345678".getBytes(StandardCharsets.US_ASCII)),
              OWN),
          new Expected(Version.V3, SECOND, null, OWN),
          new Expected(Version.V3, SECOND, null, null),
          signed(Version.V2),
          signed(Version.V3));

  private static Expected signed(Version version) {
    var key = new HmacKey(1, new byte[HmacKey.MIN]);
    var freshness = Freshness.begin(Instant.ofEpochSecond(1_800_000_000L), 5);
    return new Expected(
        version,
        SECOND,
        null,
        OWN,
        null,
        255,
        new Hmac(Mode.Permissive, KeyRing.untold(List.of(key))),
        freshness);
  }

  @FuzzTest(maxDuration = "60s")
  void noFrameBreaksTheDecoder(byte[] frame) {
    Frames.untagged(frame).flatMap(Frames::claim);
    var datagram = Frames.untagged(frame).flatMap(Frames::vrrp);
    if (datagram.isEmpty()) {
      return;
    }
    assertTrue(datagram.get().payload().length <= frame.length - 34, "longer than the frame");
    EXPECTED.forEach(expected -> decode(datagram.get(), expected));
  }

  /** Headers need right checksums to get this far: here every byte counts. */
  @FuzzTest(maxDuration = "60s")
  void noMessageBreaksTheDecoder(byte[] payload) {
    for (var family :
        List.of(
            List.of("10.9.0.1", "224.0.0.18"), List.of("fe80::8c49:39ff:fe1e:43f9", "ff02::12"))) {
      var datagram =
          new Datagram(
              InetAddress.ofLiteral(family.getFirst()),
              InetAddress.ofLiteral(family.getLast()),
              255,
              payload);
      EXPECTED.forEach(expected -> decode(datagram, expected));
    }
  }

  private static void decode(Datagram datagram, Expected expected) {
    var payload = datagram.payload();
    if (AdvertisementCodec.decode(datagram, expected) instanceof Accepted(var advert, _)) {
      assertEquals(AdvertisementCodec.vrid(payload), advert.vrid());
      assertTrue(advert.priority() >= 0 && advert.priority() <= 255, "priority");
      assertTrue(advert.interval() > 0 && advert.interval() <= 255 * SECOND, "interval");
      int count = advert.addresses().size();
      assertTrue(count >= 1 && 8 + 4 * count <= payload.length, "more addresses than bytes");
      assertEquals(
          new Accepted(advert), again(datagram, expected, advert), "encoded and decoded again");
    }
  }

  private static Decoded again(Datagram datagram, Expected expected, Advertisement advert) {
    var bytes =
        AdvertisementCodec.encode(
            advert, expected.password(), datagram.source(), datagram.destination());
    return AdvertisementCodec.decode(
        new Datagram(datagram.source(), datagram.destination(), 255, bytes), expected);
  }
}
