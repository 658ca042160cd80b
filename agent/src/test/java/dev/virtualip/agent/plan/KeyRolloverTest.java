package dev.virtualip.agent.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.instance.FakeNode;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.HmacTrailer;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Keys roll over on nodes that see the Secret and each other's reports late, each in its own order,
 * while agents end and start, and while nodes lose the API server. Plan, keys and codec are those
 * of production; simulated are the API server, the watches, the event loop and the wire.
 */
class KeyRolloverTest {
  private static final int SEEDS = 2_000;
  private static final int EVENTS = 250;
  private static final Nics NICS = new FakeNode().node.network().nics();
  private static final SecretKey KEYS = new SecretKey("vip-auth", "keys");
  private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000L);
  private static final InetAddress GROUP = InetAddress.ofLiteral("224.0.0.18");
  private static final VirtualIp VIP =
      Serialization.unmarshal(
          """
          metadata: {name: web, generation: 1}
          spec:
            vrid: 77
            interface: eth0
            authentication: {hmac: {keysSecretRef: {name: vip-auth, key: keys}}}
            addresses: [{address: 203.0.113.10/24}]
          """,
          VirtualIp.class);

  @Test
  void case65_noAdvertIsRefusedInAnyOrderOfEvents() {
    for (int seed = 0; seed < SEEDS; seed++) {
      new World(seed).run();
    }
  }

  /** An agent, with what it has seen, planned and applied. */
  private static final class Agent {
    final String name;
    final InetAddress address;
    Plan plan;
    Map<String, KeyRing> disk = Map.of();
    final ArrayDeque<InstanceConfig> planned = new ArrayDeque<>();
    InstanceConfig applied;
    int secret;
    int status;
    boolean ended;
    boolean cutOff;
    boolean forgotten;
    boolean takesPart;

    Agent(int number) {
      name = "node-" + number;
      address = InetAddress.ofLiteral("10.0.0." + (number + 1));
    }

    boolean sees() {
      return !ended && !cutOff;
    }
  }

  private static final class World {
    private final long seed;
    private final Random random;
    private final List<String> log = new ArrayList<>();

    /** Versions of the Secret; null where it is gone. */
    private final List<String> secrets = new ArrayList<>();

    /** Versions of the status. */
    private final List<Map<String, NodeStatus>> statuses = new ArrayList<>(List.of(Map.of()));

    private final List<Agent> agents = new ArrayList<>();
    private int keysMade;

    World(long seed) {
      this.seed = seed;
      random = new Random(seed);
    }

    void run() {
      secrets.add(key(1));
      int nodes = 2 + random.nextInt(3);
      for (int i = 0; i < nodes; i++) {
        join(new Agent(i));
      }
      for (int i = 0; i < EVENTS; i++) {
        happens(random.nextInt(40));
        agents.forEach(this::advertise);
      }
      end();
    }

    private void happens(int event) {
      var agent = agents.get(random.nextInt(agents.size()));
      switch (event) {
        case 0, 1 -> editSecret();
        case 2 -> agent.cutOff = !agent.ended && random.nextBoolean();
        case 3 -> end(agent);
        case 4, 5, 6 -> begin(agent);
        case 7 -> forget(agent);
        case 8 -> joinIfQuiet(agent);
        default -> {
          switch (event % 4) {
            case 0 -> see(agent, random.nextBoolean(), random.nextBoolean());
            case 1 -> plan(agent);
            case 2 -> apply(agent);
            default -> report(agent);
          }
        }
      }
    }

    private String key(int id) {
      var bytes = new byte[32];
      bytes[0] = (byte) ++keysMade;
      bytes[1] = (byte) (keysMade >> 8);
      return id + " " + HexFormat.of().formatHex(bytes);
    }

    private void editSecret() {
      var before = secrets.reversed().stream().filter(this::isGood).findFirst().orElseThrow();
      var lines = new ArrayList<>(before.lines().toList());
      var fresh = key(1 + random.nextInt(200) + 50);
      switch (random.nextInt(8)) {
        case 0, 1 -> lines.add(fresh);
        case 2, 3 -> lines = new ArrayList<>(List.of(fresh));
        case 4 -> lines = new ArrayList<>(List.of(key(1)));
        case 5 -> Collections.shuffle(lines, random);
        case 6 -> lines = new ArrayList<>(List.of(lines.get(random.nextInt(lines.size()))));
        default -> lines = new ArrayList<>(List.of(random.nextBoolean() ? "7 c0ffee" : ""));
      }
      var ids = lines.stream().map(line -> line.split(" ")[0]).distinct().count();
      if (ids == lines.size()) {
        secrets.add(random.nextInt(20) == 0 ? null : String.join("\n", lines));
        note("secret", secrets.getLast());
      }
    }

    private boolean isGood(String secret) {
      return secret != null && secret.length() > 64;
    }

    /** A watch brings some newer version, or the newest. */
    private void see(Agent agent, boolean secret, boolean status) {
      if (!agent.sees()) {
        return;
      }
      if (secret) {
        agent.secret += random.nextInt(secrets.size() - agent.secret);
      }
      if (status) {
        agent.status += random.nextInt(statuses.size() - agent.status);
      }
    }

    private void plan(Agent agent) {
      if (agent.ended) {
        return;
      }
      var vip = new VirtualIp();
      vip.setMetadata(VIP.getMetadata());
      vip.setSpec(VIP.getSpec());
      var nodes = statuses.get(agent.status);
      vip.setStatus(new VirtualIpStatus(null, null, null, null, nodes, null, null, null));
      var secret = secrets.get(agent.secret);
      var values =
          secret == null
              ? Map.<SecretKey, byte[]>of()
              : Map.of(KEYS, secret.getBytes(StandardCharsets.US_ASCII));
      var self = new NodeFacts(agent.name, Map.of(), true);
      var change =
          agent.plan.change(new Desired(List.of(vip), self, List.of(), values, Map.of()), NICS);
      agent.disk = agent.plan.keys();
      if (change.run().containsKey("web")) {
        agent.planned.add(change.run().get("web").config());
      }
    }

    private void apply(Agent agent) {
      if (agent.planned.isEmpty()) {
        return;
      }
      agent.applied = agent.planned.poll();
      var authentication = agent.applied.authentication();
      agent.takesPart |= agent.applied.hmac() != null && authentication.stranger() == null;
      note(agent.name, agent.applied.hmac(), authentication.stranger());
    }

    private void report(Agent agent) {
      if (agent.sees() && agent.applied != null) {
        var hmac = agent.applied.hmac();
        write(
            agent.name,
            hmac == null ? null : KeyRings.status(hmac),
            agent.takesPart ? State.Backup : State.Fault);
      }
    }

    private void write(String name, VirtualIpStatus.HmacStatus keys, State state) {
      var next = new TreeMap<>(statuses.getLast());
      next.put(name, new NodeStatus(state, keys));
      statuses.add(next);
    }

    private void end(Agent agent) {
      agent.ended = true;
      agent.takesPart = false;
      agent.planned.clear();
      agent.applied = null;
      var report = statuses.getLast().get(agent.name);
      if (report != null && random.nextBoolean()) {
        write(agent.name, report.hmac(), State.Unknown);
      }
      note(agent.name, "ended", "");
    }

    /** With the API server an agent begins with what is newest there, else with its snapshot. */
    private void begin(Agent agent) {
      if (!agent.ended || agent.forgotten) {
        return;
      }
      if (isUnknown(agent)) {
        joinIfQuiet(agent);
      } else {
        begins(agent);
      }
    }

    private boolean isUnknown(Agent agent) {
      var report = statuses.getLast().get(agent.name);
      return report != null && report.state() == State.Unknown;
    }

    private void begins(Agent agent) {
      agent.ended = false;
      agent.plan = new Plan(agent.name, KeyRings.of(agent.name, agent.disk));
      if (!agent.cutOff) {
        agent.secret = secrets.size() - 1;
        agent.status = statuses.size() - 1;
      }
      note(agent.name, "begins", agent.cutOff);
      plan(agent);
    }

    /** The node is not selected any more, and its report goes. */
    private void forget(Agent agent) {
      if (agent.ended && agents.stream().filter(one -> !one.forgotten).count() > 2) {
        agent.forgotten = true;
        agent.cutOff = false;
        var next = new HashMap<>(statuses.getLast());
        next.remove(agent.name);
        statuses.add(next);
        note(agent.name, "forgotten", "");
      }
    }

    /**
     * Nobody waits for a node that has not told of itself yet, and whoever begins does not wait for
     * one that is not heard of. Both join in a moment in which the others are up to date. Keys may
     * still be about to roll over.
     */
    private void joinIfQuiet(Agent agent) {
      if (agents.stream().anyMatch(one -> one.cutOff)) {
        return;
      }
      if (agent.ended && isUnknown(agent)) {
        agents.remove(agent);
        join(agent);
      } else if (agent.forgotten) {
        agents.remove(agent);
        agent.forgotten = false;
        if (random.nextBoolean()) {
          agent.disk = Map.of();
        }
        join(agent);
      } else if (agents.size() < 5 && random.nextInt(10) == 0) {
        join(new Agent(agents.size() + 10 + random.nextInt(200)));
      }
    }

    private void join(Agent agent) {
      catchUp();
      agents.forEach(this::report);
      begins(agent);
      catchUp(agent);
      agents.add(agent);
      report(agent);
      catchUp();
    }

    private void catchUp() {
      agents.forEach(this::catchUp);
    }

    private void catchUp(Agent agent) {
      if (agent.sees()) {
        agent.secret = secrets.size() - 1;
        agent.status = statuses.size() - 1;
        plan(agent);
      }
      while (!agent.planned.isEmpty()) {
        apply(agent);
      }
    }

    private void advertise(Agent sender) {
      if (!sender.takesPart) {
        return;
      }
      var vip = InetAddress.ofLiteral("203.0.113.10");
      var advert = new Advertisement(Version.V3, 77, 100, 1_000_000_000L, List.of(vip));
      var message = AdvertisementCodec.encode(advert, null, sender.address, GROUP);
      var key = sender.applied.hmac().ring().sends();
      var bytes = HmacTrailer.append(message, key, Freshness.sequence(NOW), sender.address, GROUP);
      var datagram = new Datagram(sender.address, GROUP, 255, bytes);
      for (var receiver : agents) {
        if (receiver != sender && receiver.takesPart) {
          var expected =
              new Expected(
                  Version.V3,
                  1_000_000_000L,
                  null,
                  receiver.address,
                  null,
                  255,
                  receiver.applied.hmac(),
                  Freshness.begin(NOW, 5));
          assertInstanceOf(
              Accepted.class,
              AdvertisementCodec.decode(datagram, expected),
              () -> "%s to %s, %s".formatted(sender.name, receiver.name, this));
        }
      }
    }

    /** Everything gets well: all have the newest keys alone, and send the newest. */
    private void end() {
      agents.removeIf(agent -> agent.forgotten);
      secrets.add(key(50));
      agents.forEach(agent -> agent.cutOff = false);
      List.copyOf(agents).forEach(this::begin);
      for (int round = 0; round < 6; round++) {
        for (var agent : agents) {
          catchUp(agent);
          report(agent);
          agents.forEach(this::advertise);
        }
      }
      for (var agent : agents) {
        assertTrue(agent.takesPart, () -> agent.name + " stands aside, " + this);
        var ring = agent.applied.hmac().ring();
        assertEquals(1, ring.keys().size() + ring.kept().size(), this::toString);
        assertEquals(50, ring.sends().id(), this::toString);
      }
    }

    private void note(Object... what) {
      log.add(String.join(" ", Stream.of(what).map(String::valueOf).toList()));
    }

    @Override
    public String toString() {
      return "seed " + seed + ":\n" + String.join("\n", log);
    }
  }
}
