package dev.virtualip.agent.bfd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.bfd.BfdPort.Received;
import dev.virtualip.agent.bfd.ControlPacket.Reason;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * The sessions of two nodes over a network that loses, reorders and doubles packets, for many
 * seeds.
 */
class SessionsSimulationTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;
  private static final long DELAY_MAX = 2 * MS;
  private static final int SEEDS = Integer.getInteger("bfd.seeds", 1_000);

  /** News of a session, and when. */
  private record News(NeighbourState state, long at) {}

  /** An end of the wire. */
  private static final class End implements Sessions.Outlet {
    private final World world;
    private final int number;
    private final InetAddress address;
    private final List<News> news = new ArrayList<>();
    private Sessions sessions;
    private Nic nic;
    private long heardAt;
    private int sent;

    End(World world, int number) {
      this.world = world;
      this.number = number;
      address = InetAddress.ofLiteral("10.0.0." + (1 + number));
      begin();
    }

    /** A new life, which has forgotten all. */
    void begin() {
      sessions = new Sessions(world.random.split(), this);
    }

    void watch(Timing timing, boolean asks) {
      var other = world.other(this).address;
      nic = new Nic(2, "eth0", timing, asks ? Map.of(other, address) : Map.of());
      sessions.watch(Map.of(2, nic), world.now);
    }

    void end() {
      sessions.watch(Map.of(), world.now);
    }

    NeighbourState last() {
      return news.isEmpty() ? null : news.getLast().state();
    }

    /**
     * Up and never lost. While a session comes up, an old packet that comes late may end it once
     * more.
     */
    void requireNotLost() {
      assertEquals(NeighbourState.Up, last());
      assertTrue(
          news.stream()
              .allMatch(n -> n.state() == NeighbourState.Up || n.state() == NeighbourState.Down),
          () -> "news " + news);
    }

    SessionStatus status() {
      return sessions.statuses().getFirst();
    }

    @Override
    public void send(Neighbour to, InetAddress local, byte[] packet) {
      assertEquals(address, local);
      sent++;
      world.carry(this, packet);
    }

    @Override
    public void changed(Neighbour neighbour, NeighbourState state) {
      news.add(new News(state, world.now));
    }

    @Override
    public void forgotten(Neighbour neighbour) {}

    @Override
    public void rejected(Received datagram, Reason reason) {
      boolean late = reason == Reason.UnknownSession || reason == Reason.UnknownNic;
      assertTrue(late || world.attacked, reason.name());
    }
  }

  private static final class World {
    private record Arrival(long at, int order, Runnable action) {}

    private final PriorityQueue<Arrival> arrivals =
        new PriorityQueue<>(
            (a, b) -> a.at() != b.at() ? Long.compare(a.at(), b.at()) : a.order() - b.order());
    private final SplittableRandom random;
    private final boolean[] cut = new boolean[2];
    private final End[] ends = new End[2];
    private boolean attacked;
    private double loss;
    private double doubled;
    private long now;
    private int order;

    World(long seed) {
      random = new SplittableRandom(seed);
      ends[0] = new End(this, 0);
      ends[1] = new End(this, 1);
    }

    End other(End end) {
      return end.number == 0 ? ends[1] : ends[0];
    }

    void carry(End from, byte[] packet) {
      int copies = random.nextDouble() < doubled ? 2 : 1;
      for (int i = 0; i < copies; i++) {
        if (!cut[from.number] && random.nextDouble() >= loss) {
          long at = now + random.nextLong(30_000, DELAY_MAX);
          arrivals.add(new Arrival(at, order++, () -> receive(other(from), from, packet)));
        }
      }
    }

    private void receive(End end, End from, byte[] packet) {
      end.heardAt = now;
      end.sessions.received(
          new Received(2, from.address, end.address, ControlPacket.TTL, packet), now);
    }

    void pass(long nanos) {
      long end = now + nanos;
      while (true) {
        long next = Math.min(ends[0].sessions.deadline(), ends[1].sessions.deadline());
        var arrival = arrivals.peek();
        if (arrival != null && arrival.at() <= Math.min(next, end)) {
          now = Math.max(now, arrivals.poll().at());
          arrival.action().run();
        } else if (next <= end) {
          now = Math.max(now, next);
          for (var e : ends) {
            e.sessions.due(now, now);
          }
        } else {
          now = end;
          return;
        }
      }
    }

    /** Lets time pass until both ends are up. */
    void comeUp() {
      long end = now + 20 * SECOND;
      while (!isUp() && now < end) {
        pass(10 * MS);
      }
      assertTrue(isUp(), "not up after 20 s: " + ends[0].news + " " + ends[1].news);
    }

    boolean isUp() {
      return ends[0].last() == NeighbourState.Up && ends[1].last() == NeighbourState.Up;
    }
  }

  private static void forEachSeed(Consumer<World> play) {
    for (long seed = 1; seed <= SEEDS; seed++) {
      try {
        play.accept(new World(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static Timing timing(World world) {
    long[] intervals = {10 * MS, 50 * MS, 300 * MS, SECOND};
    return new Timing(intervals[world.random.nextInt(4)], 2 + world.random.nextInt(4));
  }

  /** Both ends ask, or one does. */
  private static void begin(World world) {
    int who = world.random.nextInt(3);
    world.ends[0].watch(timing(world), who != 1);
    world.ends[1].watch(timing(world), who != 0);
  }

  private static long agreed(World world, End of) {
    var theirs = world.other(of).nic.timing();
    return theirs.multiplier() * Math.max(theirs.interval(), of.nic.timing().interval());
  }

  @Test
  void bothGetUpOverABadNetwork() {
    forEachSeed(
        world -> {
          world.loss = world.random.nextDouble(0.3);
          world.doubled = world.random.nextDouble(0.1);
          begin(world);
          world.comeUp();
        });
  }

  @Test
  void overAGoodNetworkTheyStayUpAndKeepTheAgreedTime() {
    forEachSeed(
        world -> {
          world.doubled = world.random.nextDouble(0.1);
          begin(world);
          world.comeUp();
          world.pass(2 * SECOND);
          for (var end : world.ends) {
            end.sent = 0;
          }
          world.pass(10 * SECOND);
          for (var end : world.ends) {
            end.requireNotLost();
            assertEquals(agreed(world, end), end.status().detection());
            long interval = agreed(world, world.other(end)) / end.nic.timing().multiplier();
            double packets = 10.0 * SECOND / interval;
            assertTrue(
                end.sent >= packets - 1 && end.sent <= packets / 0.75 + 1,
                () -> end.sent + " packets in 10 s, every " + interval / MS + " ms");
          }
        });
  }

  @Test
  void aCutIsDetectedInTimeByBoth() {
    forEachSeed(
        world -> {
          begin(world);
          world.comeUp();
          world.pass(2 * SECOND + world.random.nextLong(SECOND));
          world.cut[0] = true;
          world.cut[1] = true;
          world.pass(30 * SECOND);
          for (var end : world.ends) {
            assertEquals(NeighbourState.Lost, end.last());
            assertEquals(agreed(world, end), end.news.getLast().at() - end.heardAt);
          }
          world.cut[0] = false;
          world.cut[1] = false;
          world.comeUp();
        });
  }

  /** Who hears nothing has lost the other; who is not heard knows that the other is alive. */
  @Test
  void aCutOfOneDirectionIsOneEndsLoss() {
    forEachSeed(
        world -> {
          begin(world);
          world.comeUp();
          world.pass(2 * SECOND);
          world.cut[0] = true;
          world.pass(6 * SECOND);
          assertEquals(NeighbourState.Down, world.ends[0].last());
          assertEquals(NeighbourState.Lost, world.ends[1].last());
        });
  }

  @Test
  void whoEndsItsSessionsIsNotLost() {
    forEachSeed(
        world -> {
          begin(world);
          world.comeUp();
          world.pass(2 * SECOND);
          world.ends[0].end();
          world.pass(30 * SECOND);
          assertEquals(NeighbourState.AdminDown, world.ends[1].last());
        });
  }

  @Test
  void aNewLifeIsALossOfTheOldOneAndComesUp() {
    forEachSeed(
        world -> {
          begin(world);
          world.comeUp();
          world.pass(2 * SECOND);
          var first = world.ends[0];
          first.news.clear();
          first.begin();
          first.watch(first.nic.timing(), true);
          world.pass(10 * SECOND);
          world.comeUp();
          assertTrue(
              world.ends[1].news.stream().anyMatch(n -> n.state() == NeighbourState.Lost),
              () -> "news " + world.ends[1].news);
        });
  }

  @Test
  void anEditOfTheTimingLosesNobody() {
    forEachSeed(
        world -> {
          begin(world);
          world.comeUp();
          for (int i = 0; i < 5; i++) {
            var end = world.ends[world.random.nextInt(2)];
            end.watch(timing(world), !end.nic.asked().isEmpty());
            world.pass(world.random.nextLong(3 * SECOND));
          }
          world.pass(5 * SECOND);
          for (var end : world.ends) {
            end.requireNotLost();
            assertEquals(agreed(world, end), end.status().detection());
          }
        });
  }

  @Test
  void aNodeThatSleptHearsWhatHasComeBeforeItCounts() {
    var world = new World(1);
    world.ends[0].watch(new Timing(50 * MS, 3), true);
    world.ends[1].watch(new Timing(50 * MS, 3), false);
    world.comeUp();
    world.pass(SECOND);
    long slept = world.now;
    // Its deadline has passed, and it has handled what had come until then.
    world.ends[1].sessions.due(slept, slept + SECOND);
    assertEquals(NeighbourState.Up, world.ends[1].last());
  }

  @Test
  void whoNeverAnswersIsDownAfterAWhile() {
    var world = new World(1);
    world.cut[1] = true;
    world.ends[0].watch(new Timing(50 * MS, 3), true);
    world.pass(4 * SECOND);
    assertEquals(null, world.ends[0].last());
    world.pass(2 * SECOND);
    assertEquals(NeighbourState.Down, world.ends[0].last());
  }

  @Test
  void aSessionThatNobodyAsksForIsForgottenAfterAMinute() {
    var world = new World(1);
    world.ends[0].watch(new Timing(50 * MS, 3), true);
    world.ends[1].watch(new Timing(50 * MS, 3), false);
    world.comeUp();
    world.ends[0].watch(new Timing(50 * MS, 3), false);
    world.pass(120 * SECOND);
    assertTrue(world.isUp(), "a session that is up is kept");
    world.cut[0] = true;
    world.cut[1] = true;
    world.pass(62 * SECOND);
    assertEquals(List.of(), world.ends[0].sessions.statuses());
    assertEquals(List.of(), world.ends[1].sessions.statuses());
  }

  @Test
  void whoeverFloodsGetsNoMoreThan64Sessions() {
    var world = new World(1);
    world.ends[0].watch(new Timing(50 * MS, 3), true);
    var packet =
        new ControlPacket(0, SessionState.Down, false, false, false, 3, 5, 0, SECOND, SECOND)
            .encode();
    var reasons = new ArrayList<Reason>();
    var sessions =
        new Sessions(
            world.random,
            new Sessions.Outlet() {
              @Override
              public void send(Neighbour to, InetAddress local, byte[] bytes) {}

              @Override
              public void changed(Neighbour neighbour, NeighbourState state) {}

              @Override
              public void forgotten(Neighbour neighbour) {}

              @Override
              public void rejected(Received datagram, Reason reason) {
                reasons.add(reason);
              }
            });
    sessions.watch(Map.of(2, new Nic(2, "eth0", new Timing(50 * MS, 3), Map.of())), 0);
    var us = InetAddress.ofLiteral("10.0.0.1");
    for (int i = 2; i < 102; i++) {
      var from = InetAddress.ofLiteral("10.0.0." + i);
      sessions.received(new Received(2, from, us, ControlPacket.TTL, packet), 0);
    }
    assertEquals(64, sessions.statuses().size());
    assertEquals(36, reasons.size());
    sessions.received(new Received(2, us, us, 254, packet), 0);
    assertEquals(Reason.Ttl, reasons.getLast());
    sessions.received(new Received(3, us, us, ControlPacket.TTL, packet), 0);
    assertEquals(Reason.UnknownNic, reasons.getLast());
  }

  /** What anyone on the network can send, with the right discriminators now and then. */
  @Test
  void noPacketBreaksTheSessions() {
    forEachSeed(
        world -> {
          world.ends[0].watch(timing(world), true);
          world.ends[1].watch(timing(world), false);
          world.comeUp();
          world.attacked = true;
          int sent = world.ends[0].sent + world.ends[1].sent;
          for (int i = 0; i < 200; i++) {
            var end = world.ends[world.random.nextInt(2)];
            var from = world.other(end).address;
            var packet =
                randomPacket(world, end.sessions.discriminators().findFirst().orElseThrow());
            end.sessions.received(
                new Received(2, from, end.address, ControlPacket.TTL, packet), world.now);
            assertTrue(end.sessions.deadline() > 0);
          }
          int answers = world.ends[0].sent + world.ends[1].sent - sent;
          assertTrue(answers <= 200, () -> answers + " answers to 200 packets");
          world.pass(2 * Sessions.PATIENCE);
        });
  }

  private static byte[] randomPacket(World world, int discriminator) {
    var bytes = new byte[world.random.nextInt(4) == 0 ? world.random.nextInt(60) : 24];
    world.random.nextBytes(bytes);
    if (bytes.length == 24) {
      var packet = ByteBuffer.wrap(bytes);
      packet.put(0, (byte) (0x20 | bytes[0] & 0x1F)).put(1, (byte) (bytes[1] & 0xF2));
      packet.put(3, (byte) 24);
      packet.putInt(8, world.random.nextBoolean() ? discriminator : 0);
    }
    return bytes;
  }
}
