package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.instance.Input.PlanChanged;
import dev.virtualip.agent.loop.VirtualRouterLoop;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What comes in, as the event loop's thread takes it; a node in memory and the real clock. */
class LoopReceivingTest {
  private static final long MS = 1_000_000L;
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final HardwareAddress MAC = new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 9});

  private final FakeNode fake = new FakeNode();
  private final VirtualRouterLoop loop =
      new VirtualRouterLoop(Map.of(), Set.of(), fake.node, new NobodyListens());
  private final Thread thread = Thread.ofPlatform().unstarted(loop);

  @AfterEach
  void stop() throws InterruptedException {
    loop.stop(5_000);
    thread.join();
  }

  private void run(String interval) {
    var yaml =
        """
        metadata: {name: web}
        spec:
          vrid: 77
          interface: eth0
          advertInterval: %s
          addresses: [{address: 203.0.113.10/24, interface: eth1}]
        """
            .formatted(interval);
    var self = new NodeFacts("node-a", Map.of(), true);
    var vip = Serialization.unmarshal(yaml, VirtualIp.class);
    var desired = new Desired(List.of(vip), self, List.of(), Map.of(), Map.of());
    loop.put(new PlanChanged(new Plan("node-a").change(desired, fake.node.network().nics())));
    thread.start();
  }

  private void await(State state) {
    Await.until(
        () -> loop.statuses().containsKey("web") && loop.statuses().get("web").state() == state,
        loop::statuses);
  }

  private static byte[] frame(int vrid, int priority) {
    var virtual = List.of(InetAddress.ofLiteral("203.0.113.10"));
    var advert = new Advertisement(Version.V3, vrid, priority, 1_000 * MS, virtual);
    var payload = AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP);
    return Frames.advertisement(MAC, PEER, 1, payload);
  }

  private double rejected(String reason) {
    var counter = fake.registry.find("virtualip.adverts.rejected").tag("reason", reason).counter();
    return counter == null ? 0 : counter.count();
  }

  /** Opening a capture takes a cold JVM 0.1 s, as long as ten of the shortest intervals. */
  @Test
  void aDownIntervalBeginsWhenTheNicIsListenedTo() {
    long[] openedAt = {0};
    fake.opening =
        () -> {
          long end = System.nanoTime() + 200 * MS;
          while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
          }
          openedAt[0] = System.nanoTime();
        };
    run("300ms");
    await(State.Master);
    long waited = System.nanoTime() - openedAt[0];
    assertTrue(waited >= 1_082 * MS, "Master after " + waited / MS + " ms");
  }

  @Test
  void case19_aVridOfAnotherNicIsNobodysBusiness() {
    run("10s");
    await(State.Backup);
    loop.offerFrame(3, frame(77, 255));
    loop.offerFrame(2, frame(78, 255));
    Await.until(() -> rejected("UnknownVrid") == 2, () -> rejected("UnknownVrid"));
    assertEquals(0, fake.registry.find("virtualip.adverts.received").counters().size());
    loop.offerFrame(2, frame(77, 255));
    Await.until(
        () -> fake.registry.find("virtualip.adverts.received").counters().size() == 1,
        fake.registry::getMetersAsString);
  }

  @Test
  void whatIsNoVrrpDatagramIsCountedToo() {
    run("10s");
    await(State.Backup);
    var frame = frame(77, 255);
    loop.offerFrame(2, Arrays.copyOf(frame, 30));
    frame[24]++;
    loop.offerFrame(2, frame);
    Await.until(() -> rejected("Damaged") == 2, () -> rejected("Damaged"));
  }
}
