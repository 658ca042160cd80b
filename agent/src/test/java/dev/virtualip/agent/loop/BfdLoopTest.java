package dev.virtualip.agent.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.bfd.BfdPort;
import dev.virtualip.agent.bfd.ControlPacket;
import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.bfd.Nic;
import dev.virtualip.agent.bfd.SessionState;
import dev.virtualip.agent.bfd.Timing;
import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The thread of BFD, with two loops whose ports are each other's wire. */
class BfdLoopTest {
  private static final long MS = 1_000_000L;
  private static final InetAddress LEFT = InetAddress.ofLiteral("10.0.0.11");
  private static final InetAddress RIGHT = InetAddress.ofLiteral("10.0.0.12");

  /** A port whose packets arrive at another one. */
  private static final class Cable implements BfdPort {
    private final InetAddress own;
    private final BlockingQueue<Received> arrived = new LinkedBlockingQueue<>();
    private Cable other;
    private volatile boolean closed;
    private volatile boolean breaks;

    Cable(InetAddress own) {
      this.own = own;
    }

    @Override
    public void listen(Collection<Nic> nics) {}

    @Override
    public void receive(long nanos, Consumer<Received> receiver) {
      try {
        var next = arrived.poll(nanos, TimeUnit.NANOSECONDS);
        while (next != null) {
          if (next.payload().length > 0) {
            receiver.accept(next);
          }
          next = arrived.poll();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void wake() {
      arrived.add(new Received(0, own, own, 0, new byte[0]));
    }

    @Override
    public void send(Neighbour to, InetAddress local, byte[] packet) {
      if (breaks) {
        breaks = false;
        throw new IllegalStateException("a defect");
      }
      other.arrived.add(new Received(2, own, other.own, ControlPacket.TTL, packet));
    }

    @Override
    public void forget(Neighbour neighbour) {}

    @Override
    public void close() {
      closed = true;
    }
  }

  private final Cable left = new Cable(LEFT);
  private final Cable right = new Cable(RIGHT);
  private final List<NeighbourState> heard = new CopyOnWriteArrayList<>();
  private final AtomicInteger refusals = new AtomicInteger();

  private final BfdLoop one = new BfdLoop(left, this::take, new SplittableRandom(1));
  private final BfdLoop two = new BfdLoop(right, _ -> true, new SplittableRandom(2));

  private boolean take(BfdLoop.News news) {
    if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      return false;
    }
    heard.add(news.state());
    return true;
  }

  private static Map<Integer, Nic> asking(InetAddress... neighbours) {
    var timing = new Timing(20 * MS, 10);
    return Map.of(
        2,
        new Nic(
            2, "eth0", timing, neighbours.length == 0 ? Map.of() : Map.of(neighbours[0], LEFT)));
  }

  private void comeUp() {
    left.other = right;
    right.other = left;
    two.watch(asking());
    one.watch(asking(RIGHT));
    Await.until(() -> heard.contains(NeighbourState.Up), () -> heard);
  }

  private static void close(BfdLoop loop) {
    loop.close(System.nanoTime() + 10_000 * MS);
  }

  @Test
  void whoClosesIsNotLost() {
    comeUp();
    close(two);
    assertTrue(right.closed);
    Await.until(() -> heard.contains(NeighbourState.AdminDown), () -> heard);
    assertFalse(heard.contains(NeighbourState.Lost));
    close(one);
  }

  /** The VRRP thread's queue may be full. */
  @Test
  void newsThatNobodyTakesAreKept() {
    refusals.set(20);
    comeUp();
    assertEquals(0, refusals.get());
    assertEquals(List.of(NeighbourState.Up), heard);
    close(one);
    close(two);
  }

  @Test
  void afterADefectAllBeginsAnewAndNobodyIsLost() {
    comeUp();
    heard.clear();
    left.breaks = true;
    Await.until(() -> heard.contains(NeighbourState.Up), () -> heard);
    Await.until(
        () ->
            two.snapshot().sessions().stream()
                .anyMatch(session -> session.state() == SessionState.Up),
        two::snapshot);
    assertEquals(0, two.snapshot().sessions().getFirst().lost());
    close(one);
    close(two);
  }

  @Test
  void withoutNicsThereIsNoThread() {
    one.watch(Map.of());
    close(one);
    assertFalse(left.closed);
  }
}
