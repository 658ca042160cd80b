package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Version;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Length fields are the sender's claims: a short frame must never cost much memory. */
class DecoderAllocationTest {
  private static final int ROUNDS = 1_000;
  private static final long BYTES_MAX = 4_096;
  private static final InetAddress SOURCE = InetAddress.ofLiteral("10.9.0.1");
  private static final Expected EXPECTED =
      new Expected(Version.V3, 1_000_000_000L, null, InetAddress.ofLiteral("10.9.0.2"));

  @Test
  void aCountOf255InAShortMessageCostsNothing() {
    var lie = HexFormat.of().parseHex("313364ff006400000a090064");
    var datagram = new Datagram(SOURCE, Frames.GROUP, 255, lie);
    costsLittle(() -> AdvertisementCodec.decode(datagram, EXPECTED));
  }

  @Test
  void anIpLengthOf65535InAShortFrameCostsNothing() {
    var frame =
        HexFormat.of().parseHex("01005e00001202000000000a0800" + "4fc0ffff" + "00".repeat(40));
    costsLittle(() -> Frames.vrrp(frame));
  }

  private static void costsLittle(Runnable decoding) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    decoding.run();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < ROUNDS; i++) {
      decoding.run();
    }
    long each = (threads.getCurrentThreadAllocatedBytes() - before) / ROUNDS;
    assertTrue(each < BYTES_MAX, each + " bytes");
  }
}
