package dev.virtualip.agent.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.net.NatPort;
import dev.virtualip.agent.net.SourceNat;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EgressLoopTest {
  private static final NatPort.Table LEFT_OVER = new NatPort.Table(true, "virtualip-old");

  private final FakeNftables kernel = new FakeNftables();
  private volatile boolean alive = true;
  private final EgressLoop loop = new EgressLoop(kernel, () -> alive);

  @AfterEach
  void close() {
    loop.close(System.nanoTime() + Duration.ofSeconds(30).toNanos());
  }

  private void await(BooleanSupplier condition) {
    Await.until(condition, () -> kernel.rules + " " + loop.problems());
  }

  private static SourceNat nat(String vip) {
    var pod = InetAddress.ofLiteral("10.244.0.5");
    var address = InetAddress.ofLiteral("203.0.113.10");
    return new SourceNat(vip, "eth1", address, List.of(), List.of(), Set.of(pod));
  }

  private static NatPort.Table table(String vip) {
    return NatPort.Table.of(nat(vip));
  }

  @Test
  void whatIsWantedIsPutAndAllElseRemoved() {
    kernel.rules.put(LEFT_OVER, 3);
    loop.want(List.of(nat("a"), nat("b")));
    await(() -> kernel.rules.keySet().equals(Set.of(table("a"), table("b"))));
    loop.want(List.of(nat("b")));
    await(() -> kernel.rules.keySet().equals(Set.of(table("b"))));
    assertEquals(2, kernel.puts.get(), "b is as it was");
  }

  @Test
  void leasesAreRenewedWhileTheEventLoopTurns() {
    loop.want(List.of(nat("a")));
    await(() -> kernel.renewals.get() > 1);
    alive = false;
    int before = kernel.looks.get();
    await(() -> kernel.looks.get() > before + 1);
    int renewed = kernel.renewals.get();
    await(() -> kernel.looks.get() > before + 3);
    assertEquals(renewed, kernel.renewals.get());
  }

  @Test
  void whatOthersRemoveOrChangeIsPutBack() {
    loop.want(List.of(nat("a")));
    await(() -> kernel.puts.get() == 1);
    kernel.rules.clear();
    await(() -> kernel.puts.get() == 2);
    kernel.rules.put(table("a"), 0);
    await(() -> kernel.puts.get() == 3);
  }

  @Test
  void aRefusalIsToldUntilTheKernelTakesIt() {
    kernel.refusal = "the kernel has no nftables";
    loop.want(List.of(nat("a")));
    await(() -> loop.problems().equals(Map.of("a", "the kernel has no nftables")));
    kernel.refusal = null;
    await(() -> loop.problems().isEmpty());
    assertTrue(kernel.rules.containsKey(table("a")));
  }

  @Test
  void theLastWishIsFulfilledBeforeTheEnd() {
    loop.want(List.of(nat("a")));
    await(() -> kernel.puts.get() == 1);
    loop.want(List.of());
    close();
    assertEquals(Set.of(), kernel.rules.keySet());
    assertTrue(kernel.closed);
  }

  /** Counts rules as if there was one for each pod. */
  private static final class FakeNftables implements NatPort {
    final Map<Table, Integer> rules = new ConcurrentHashMap<>();
    final AtomicInteger puts = new AtomicInteger();
    final AtomicInteger renewals = new AtomicInteger();
    final AtomicInteger looks = new AtomicInteger();
    volatile String refusal;
    volatile boolean closed;

    @Override
    public Map<Table, Integer> tables() {
      looks.incrementAndGet();
      return Map.copyOf(rules);
    }

    @Override
    public int rules(SourceNat nat) {
      return nat.pods().size();
    }

    @Override
    public void put(SourceNat nat, Duration lease) throws IOException {
      if (refusal != null) {
        throw new IOException(refusal);
      }
      rules.put(Table.of(nat), nat.pods().size());
      puts.incrementAndGet();
    }

    @Override
    public void renew(SourceNat nat, Duration lease) {
      renewals.incrementAndGet();
    }

    @Override
    public void delete(Table table) {
      rules.remove(table);
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
