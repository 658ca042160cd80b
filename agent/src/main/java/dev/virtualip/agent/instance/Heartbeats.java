package dev.virtualip.agent.instance;

import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FurtherPath;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.crds.schema.VirtualIpStatus.HeartbeatStatus;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The paths of the adverts of one virtual router, where it has more than one: what was heard by
 * each, and what is wrong with it. All paths carry the same adverts, so what has come by one is a
 * copy by the next. With one path it does nothing. Used by the event loop's thread only; times are
 * its nanoseconds.
 */
final class Heartbeats {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeats.class);

  /** Intervals without an advert after which a path is silent: no less than any down interval. */
  private static final int SILENT_AFTER = 4;

  private static final String ECHO =
      "%s hears this node's own adverts: it is on the network of another heartbeat; connect it to a"
          + " network of its own";

  private static final String SAME_NIC =
      "%s is the NIC of another heartbeat on this node, and so no path of its own: name another one";

  private final Node node;
  private final AdvertTransport transport;
  private final Effects effects;
  private final Map<Integer, Heard> heard = new TreeMap<>();

  /** By the number of the path, what keeps it from working; as last looked at. */
  private Map<Integer, String> problems = Map.of();

  private boolean backup;
  private long backupSince;
  private long window;

  /** Resignations of the present master that the router has been told. */
  private int resignations;

  /** What was heard by a path. */
  private static final class Heard {
    InetAddress source;

    /** The last advert, or since when there might have been one. */
    long at;

    long echoAt;
    boolean echoes;
    boolean silent;

    /** Adverts of priority 0 since the last one of a higher priority on any path. */
    int resignations;
  }

  Heartbeats(Node node, AdvertTransport transport, Effects effects) {
    this.node = node;
    this.transport = transport;
    this.effects = effects;
  }

  private static boolean areSeveral(InstanceConfig config) {
    return !config.heartbeats().isEmpty();
  }

  /** After an edit of the paths nothing is known of them. */
  void configChanged(InstanceConfig before, InstanceConfig config, State state, long now) {
    if (!before.heartbeats().equals(config.heartbeats())) {
      heard.clear();
      problems = Map.of();
      backup = false;
      entered(config, state, now);
    }
  }

  /** The router is in a state: only a backup can tell that a path is silent. */
  void entered(InstanceConfig config, State state, long now) {
    boolean isBackup = areSeveral(config) && state instanceof Backup;
    if (isBackup != backup) {
      backup = isBackup;
      backupSince = now;
      window = SILENT_AFTER * config.router().advertInterval();
      resignations = 0;
      heard.clear();
    }
  }

  /**
   * Opens the further paths, as far as they can be opened. What keeps one from working is no fault.
   *
   * @return whether there is other news than before
   */
  boolean look(InstanceConfig config) {
    if (!areSeveral(config)) {
      return false;
    }
    var found = new TreeMap<Integer, String>();
    var paths = transport.paths(config);
    for (int i = 0; i < config.heartbeats().size(); i++) {
      int number = i + 1;
      var path = numbered(number, paths);
      var problem = path == null ? missing(config, number) : open(config, path);
      if (problem != null) {
        found.put(number, problem);
      }
    }
    boolean news = !found.equals(problems);
    if (news) {
      LOG.info("heartbeats vip={} problems=\"{}\"", config.name(), found.values());
    }
    problems = Map.copyOf(found);
    return news;
  }

  /** The path with this number, or null if its NIC is not there or carries another path. */
  private static AdvertPath numbered(int number, List<AdvertPath> paths) {
    return paths.stream().filter(path -> path.number() == number).findFirst().orElse(null);
  }

  private String missing(InstanceConfig config, int number) {
    var name = config.heartbeats().get(number - 1).interfaceName();
    return node.network().link(name) == null
        ? "there is no NIC %s on this node (it has %s): correct the name"
            .formatted(name, node.network().nics().names())
        : SAME_NIC.formatted(name);
  }

  private String open(InstanceConfig config, AdvertPath path) {
    var link = path.link();
    if (!link.up()) {
      return link.name() + " is down or has no carrier";
    }
    var faults = new LinkedHashMap<Reason, String>();
    var source = transport.source(config, path);
    effects.open(link, true, faults);
    if (source == null) {
      return "%s has no %s address of its own to send adverts from"
          .formatted(link.name(), config.ipv6() ? "IPv6" : "IPv4");
    }
    effects.openTransport(config, path, source, faults);
    transport.addFaults(config, path, source, faults);
    return faults.isEmpty() ? null : String.join("; ", faults.values());
  }

  /** Whether an advert is this node's own, which has come back by another path. */
  boolean isEcho(InstanceConfig config, AdvertPath path, InetAddress sender, long now) {
    if (!areSeveral(config) || !node.network().has(sender)) {
      return false;
    }
    var by = by(path.number());
    by.echoes = !sender.equals(transport.source(config, path));
    by.echoAt = now;
    return true;
  }

  /**
   * The event of an advert. Its sender is known by its address on the first path on which a master
   * is heard: a virtual router has one master.
   *
   * @param own source address of this router's adverts on the path
   * @return null if it is a copy of a resignation that has come by another path
   */
  AdvertisementReceived take(
      InstanceConfig config,
      AdvertPath path,
      Advertisement advert,
      InetAddress sender,
      InetAddress own,
      long now) {
    if (!areSeveral(config)) {
      return new AdvertisementReceived(advert.priority(), advert.interval(), sender);
    }
    long interval = Math.min(advert.interval(), config.router().maxLearnedInterval());
    window = SILENT_AFTER * interval;
    var by = by(path.number());
    by.source = sender;
    by.at = now;
    if (isCopy(by, advert.priority())) {
      return null;
    }
    return new AdvertisementReceived(
        advert.priority(),
        advert.interval(),
        known(path.number(), sender, now),
        path.isFirst() ? null : new FurtherPath(path.number(), sender, own));
  }

  /** Resignations are counted: said a third time it means something else. */
  private boolean isCopy(Heard by, int priority) {
    if (priority > 0) {
      resignations = 0;
      heard.values().forEach(one -> one.resignations = 0);
      return false;
    }
    by.resignations++;
    if (by.resignations <= resignations) {
      return true;
    }
    resignations = by.resignations;
    return false;
  }

  private InetAddress known(int number, InetAddress sender, long now) {
    for (var other : heard.entrySet()) {
      if (other.getKey() < number && isHeard(other.getValue(), now)) {
        return other.getValue().source;
      }
    }
    return sender;
  }

  private Heard by(int number) {
    return heard.computeIfAbsent(number, _ -> new Heard());
  }

  private boolean isHeard(Heard by, long now) {
    return by.source != null && now - by.at < window;
  }

  /**
   * Whether a master that is lost by BFD, on the first path, is heard by another one: then it is
   * the network that has failed.
   */
  boolean isHeardElsewhere(long now) {
    return heard.entrySet().stream()
        .anyMatch(path -> path.getKey() > 0 && isHeard(path.getValue(), now));
  }

  /** Whether an address is that of a master on the first path, where a neighbour can be asked. */
  boolean isOnFirstPath(InstanceConfig config, InetAddress master) {
    return !areSeveral(config)
        || heard.containsKey(0) && Objects.equals(heard.get(0).source, master);
  }

  /** When {@link #onDeadline} is due, or {@link State#NEVER}. */
  long deadline(InstanceConfig config) {
    if (!areSeveral(config)) {
      // The common case first: the loop asks all routers at each turn.
      return State.NEVER;
    }
    long first = State.NEVER;
    for (var by : heard.values()) {
      first = by.echoes ? Math.min(first, by.echoAt + window) : first;
    }
    for (int number = 0; backup && number <= config.heartbeats().size(); number++) {
      if (!isSilent(number)) {
        first = Math.min(first, lastAt(number) + window);
      }
    }
    return first;
  }

  private boolean isSilent(int number) {
    return heard.containsKey(number) && heard.get(number).silent;
  }

  private long lastAt(int number) {
    return heard.containsKey(number) && heard.get(number).source != null
        ? heard.get(number).at
        : backupSince;
  }

  /**
   * Notes which paths are silent, and which are heard again.
   *
   * @return whether that has changed
   */
  boolean notice(InstanceConfig config, long now) {
    if (!areSeveral(config)) {
      return false;
    }
    boolean news = false;
    for (int number = 0; number <= config.heartbeats().size(); number++) {
      boolean silent = backup && now - lastAt(number) >= window;
      var by = by(number);
      boolean echoes = by.echoes && now - by.echoAt < window;
      news |= silent != by.silent || echoes != by.echoes;
      by.silent = silent;
      by.echoes = echoes;
    }
    return news;
  }

  /** The status of each path; null if there is only one. */
  List<HeartbeatStatus> status(InstanceConfig config, InetAddress source) {
    if (!areSeveral(config)) {
      return null;
    }
    var paths = transport.paths(config);
    var all = new ArrayList<HeartbeatStatus>();
    for (int number = 0; number <= config.heartbeats().size(); number++) {
      var path = numbered(number, paths);
      var selector =
          number == 0
              ? config.interfaceName()
              : config.heartbeats().get(number - 1).interfaceName();
      var name = path == null ? selector : path.link().name();
      var address = path == null ? null : path.isFirst() ? source : transport.source(config, path);
      all.add(
          new HeartbeatStatus(
              name, address == null ? null : IpPrefix.text(address), problem(number, name)));
    }
    return List.copyOf(all);
  }

  private String problem(int number, String name) {
    if (problems.containsKey(number)) {
      return problems.get(number);
    }
    var by = heard.get(number);
    if (by != null && by.echoes) {
      return ECHO.formatted(name);
    }
    boolean othersSpeak =
        heard.values().stream().anyMatch(one -> one.source != null && !one.silent);
    return by != null && by.silent && othersSpeak
        ? name + " brings no adverts of the master, and another path does: look at its network"
        : null;
  }
}
