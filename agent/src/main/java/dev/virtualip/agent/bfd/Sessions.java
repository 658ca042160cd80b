package dev.virtualip.agent.bfd;

import dev.virtualip.agent.bfd.BfdPort.Received;
import dev.virtualip.agent.bfd.ControlPacket.Decoded;
import dev.virtualip.agent.bfd.ControlPacket.Reason;
import dev.virtualip.agent.bfd.Session.Event;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * All sessions of a node: one for each neighbour and NIC. It begins one with each neighbour that is
 * asked for, and answers others that begin one. Deterministic; times are nanoseconds of the
 * caller's clock.
 */
public final class Sessions {
  /** Most sessions of a NIC that others have begun, so that a flood fills no memory. */
  static final int UNASKED_MAX = 64;

  /** How long a session that is not up is kept although nobody asks for it. */
  static final long KEPT = 60_000_000_000L;

  /** How long a neighbour that is asked for may take to answer first: some slow packets. */
  static final long PATIENCE = 5_000_000_000L;

  /** Where packets and news go; must not call back. */
  public interface Outlet {
    /** Sends a packet; may fail, as a network might. */
    void send(Neighbour to, InetAddress local, byte[] packet);

    /** A session says something else about its neighbour. */
    void changed(Neighbour neighbour, NeighbourState state);

    /** There is no session with it any more. */
    void forgotten(Neighbour neighbour);

    /** A packet was dropped. */
    void rejected(Received datagram, Reason reason);
  }

  private static final class Entry {
    private Session session;
    private InetAddress local;
    private boolean asked;
    private NeighbourState said;
    private long since;

    /** When nobody's patience and nobody's interest count any more. */
    private long patienceEnds = Session.NEVER;

    private long keptUntil;
    private long sent;
    private long received;
    private long lost;
  }

  private final Map<Neighbour, Entry> entries = new LinkedHashMap<>();
  private final RandomGenerator random;
  private final Outlet outlet;
  private Map<Integer, Nic> nics = Map.of();

  /** No sessions yet, on no NIC. */
  public Sessions(RandomGenerator random, Outlet outlet) {
    this.random = random;
    this.outlet = outlet;
  }

  /** Replaces the NICs and what is asked for there. Sessions of other NICs end, and say so. */
  public void watch(Map<Integer, Nic> wanted, long now) {
    nics = Map.copyOf(wanted);
    for (var neighbour : List.copyOf(entries.keySet())) {
      var nic = nics.get(neighbour.linkIndex());
      var entry = entries.get(neighbour);
      if (nic == null) {
        step(neighbour, entry, new Event.Disabled(), now);
        forget(neighbour);
      } else {
        entry.asked = nic.asked().containsKey(neighbour.address());
        step(neighbour, entry, new Event.TimingChanged(nic.timing()), now);
      }
    }
    for (var nic : nics.values()) {
      nic.asked().forEach((address, local) -> ask(new Neighbour(nic.index(), address), local, now));
    }
  }

  private void ask(Neighbour neighbour, InetAddress local, long now) {
    var entry = entries.get(neighbour);
    if (entry == null) {
      entry = begin(neighbour, local, now);
      entry.patienceEnds = now + PATIENCE;
    }
    entry.asked = true;
    if (entry.session.state() != SessionState.Up) {
      entry.local = local;
    }
  }

  private Entry begin(Neighbour neighbour, InetAddress local, long now) {
    var entry = new Entry();
    var timing = nics.get(neighbour.linkIndex()).timing();
    entry.session = Session.create(discriminator(), timing, now);
    entry.local = local;
    entry.since = now;
    entry.keptUntil = now + KEPT;
    entries.put(neighbour, entry);
    return entry;
  }

  private int discriminator() {
    while (true) {
      int value = random.nextInt();
      if (value != 0 && discriminators().noneMatch(used -> used == value)) {
        return value;
      }
    }
  }

  IntStream discriminators() {
    return entries.values().stream().mapToInt(entry -> entry.session.discriminator());
  }

  /** Handles a datagram (RFC 5880 6.8.6). */
  public void received(Received datagram, long now) {
    var neighbour = new Neighbour(datagram.linkIndex(), datagram.from());
    if (!nics.containsKey(datagram.linkIndex())) {
      outlet.rejected(datagram, Reason.UnknownNic);
    } else if (datagram.ttl() != ControlPacket.TTL) {
      outlet.rejected(datagram, Reason.Ttl);
    } else {
      switch (ControlPacket.decode(datagram.payload())) {
        case Decoded.Rejected(var reason) -> outlet.rejected(datagram, reason);
        case Decoded.Accepted(var packet) -> accepted(neighbour, datagram, packet, now);
      }
    }
  }

  /**
   * A session is found by the neighbour's address, which each packet has to have, and whoever knows
   * a discriminator has to know the right one.
   */
  private void accepted(Neighbour neighbour, Received datagram, ControlPacket packet, long now) {
    var entry = entries.get(neighbour);
    if (packet.yours() != 0 && (entry == null || entry.session.discriminator() != packet.yours())) {
      outlet.rejected(datagram, Reason.UnknownSession);
      return;
    }
    if (entry == null && packet.state() == SessionState.AdminDown) {
      return;
    }
    if (entry == null && isFull(neighbour.linkIndex())) {
      outlet.rejected(datagram, Reason.TooMany);
      return;
    }
    if (entry == null) {
      entry = begin(neighbour, datagram.to(), now);
    }
    entry.received++;
    // By which it knows this node, whichever was asked from.
    entry.local = datagram.to();
    step(neighbour, entry, new Event.Received(packet), now);
  }

  private boolean isFull(int linkIndex) {
    return entries.entrySet().stream()
            .filter(e -> e.getKey().linkIndex() == linkIndex && !e.getValue().asked)
            .count()
        >= UNASKED_MAX;
  }

  /** When {@link #due} has something to do, or {@link Session#NEVER}. */
  public long deadline() {
    long first = Session.NEVER;
    for (var entry : entries.values()) {
      first = Math.min(first, Math.min(entry.session.deadline(), entry.patienceEnds));
      first = Math.min(first, forgetAt(entry));
    }
    return first;
  }

  private static long forgetAt(Entry entry) {
    boolean needed = entry.asked || entry.session.state() == SessionState.Up;
    return needed ? Session.NEVER : entry.keptUntil;
  }

  /**
   * Meets the deadlines.
   *
   * @param until a time before which all packets that had come have been handled: what is due later
   *     waits, since its packet may have come meanwhile
   */
  public void due(long until, long now) {
    for (var neighbour : List.copyOf(entries.keySet())) {
      var entry = entries.get(neighbour);
      if (entry.session.deadline() <= until) {
        step(neighbour, entry, new Event.TimerExpired(), now);
      }
      if (entry.patienceEnds <= until) {
        say(neighbour, entry, NeighbourState.Down);
      }
      if (forgetAt(entry) <= until) {
        forget(neighbour);
      }
    }
  }

  private void forget(Neighbour neighbour) {
    entries.remove(neighbour);
    outlet.forgotten(neighbour);
  }

  private void step(Neighbour neighbour, Entry entry, Event event, long now) {
    var before = entry.session;
    var step = before.step(event, now, random.nextDouble());
    var after = step.session();
    entry.session = after;
    for (var packet : step.packets()) {
      entry.sent++;
      outlet.send(neighbour, entry.local, packet.encode());
    }
    if (after.state() == before.state()) {
      return;
    }
    entry.since = now;
    if (after.state() == SessionState.Up) {
      say(neighbour, entry, NeighbourState.Up);
    } else if (before.state() == SessionState.Up && after.state() == SessionState.Down) {
      entry.keptUntil = now + KEPT;
      say(neighbour, entry, ended(before, after));
    }
  }

  /**
   * What the end of a session says. A neighbour that says so is alive. Its old life has failed if
   * it has begun anew, or if it names a failure of its own; not if it does not hear us, or if an
   * old packet has come late.
   */
  private static NeighbourState ended(Session before, Session after) {
    if (after.diagnostic() == ControlPacket.DETECTION_TIME_EXPIRED) {
      return NeighbourState.Lost;
    }
    var remote = after.remote();
    if (remote.state() == SessionState.AdminDown) {
      return NeighbourState.AdminDown;
    }
    boolean anew = remote.discriminator() != before.remote().discriminator();
    return anew || ControlPacket.isOwnFailure(remote.diagnostic())
        ? NeighbourState.Lost
        : NeighbourState.Down;
  }

  private void say(Neighbour neighbour, Entry entry, NeighbourState state) {
    entry.patienceEnds = Session.NEVER;
    entry.lost += state == NeighbourState.Lost ? 1 : 0;
    if (state != entry.said) {
      entry.said = state;
      outlet.changed(neighbour, state);
    }
  }

  /** All sessions as they are now. */
  public List<SessionStatus> statuses() {
    return entries.entrySet().stream().map(e -> status(e.getKey(), e.getValue())).toList();
  }

  private SessionStatus status(Neighbour neighbour, Entry entry) {
    return new SessionStatus(
        neighbour,
        nics.get(neighbour.linkIndex()).name(),
        entry.session.state(),
        entry.since,
        entry.session.detection(),
        entry.sent,
        entry.received,
        entry.lost);
  }
}
