package dev.virtualip.e2e.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A machine of the lab: a network namespace with NICs, and programs that run in it. */
public final class Host implements AutoCloseable {
  /** The wire's end of a NIC: the bridge port on the control host. */
  private record Port(Wire wire, String name) {}

  private final Lab lab;
  private final String name;
  private final int number;
  private final List<String> enter;
  private final Map<String, Port> ports = new LinkedHashMap<>();
  private final ConcurrentLinkedQueue<Proc> procs = new ConcurrentLinkedQueue<>();
  private final ConcurrentHashMap<String, Integer> starts = new ConcurrentHashMap<>();
  private int plugged;

  private Host(Lab lab, String name, int number, List<String> enter) {
    this.lab = lab;
    this.name = name;
    this.number = number;
    this.enter = enter;
  }

  static Host control(Lab lab) {
    Host control = new Host(lab, "control", 0, List.of());
    // arp_ignore: the host answers for an address only on that address's wire, not on a cut port.
    control.sh(
        "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.arp_ignore=1"
            + " net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
    return control;
  }

  static Host create(Lab lab, String name, int number) {
    Shell.run("ip", "netns", "add", name);
    Host host = new Host(lab, name, number, List.of("ip", "netns", "exec", name));
    // rp_filter off: the public NIC of a node has no address of its own. accept_dad off: a
    // link-local address is usable at once.
    host.sh(
        "ip link set lo up; sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0"
            + " net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0"
            + " net.ipv6.conf.default.accept_ra=0");
    return host;
  }

  public String name() {
    return name;
  }

  /** Forwards packets between its NICs from now on. */
  public Host forward() {
    sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    return this;
  }

  /** Adds a NIC on a wire, up, with any number of addresses such as {@code 10.0.0.11/24}. */
  public Host plug(String nic, Wire wire, String... addresses) {
    Port port = new Port(wire, wire.nextPort());
    String mac = "02:00:00:00:%02x:%02x".formatted(number, plugged++);
    Shell.run(
        "sh",
        "-ec",
        "ip link add $0 type veth peer name $1 address $2 netns $3;"
            + " ip link set $0 addrgenmode none master $4; ip link set $0 up",
        port.name(),
        nic,
        mac,
        name,
        wire.bridge());
    ports.put(nic, port);
    return up(nic, addresses);
  }

  private Host up(String nic, String... addresses) {
    ip("link set " + nic + " up");
    for (String address : addresses) {
      ip("addr add " + address + (address.contains(":") ? " nodad" : "") + " dev " + nic);
    }
    return this;
  }

  /** Makes a NIC for the frames with a tag on another NIC, up: {@code eth0.7}. */
  public Host vlan(String nic, int id, String... addresses) {
    String vlan = nic + "." + id;
    ip("link add %s link %s type vlan id %d".formatted(vlan, nic, id));
    return up(vlan, addresses);
  }

  /**
   * Makes a bond of NICs, up. It notices a leg without carrier within 100 ms.
   *
   * @param mode as {@code ip} has it, with what belongs to it: {@code 802.3ad lacp_rate fast}
   */
  public Host bond(String bond, String mode, List<String> legs, String... addresses) {
    ip("link add %s type bond miimon 100 mode %s".formatted(bond, mode));
    for (String leg : legs) {
      ip("link set " + leg + " down");
      ip("link set " + leg + " master " + bond);
    }
    return up(bond, addresses);
  }

  /** The wire's ends of these NICs become one port by LACP, as at a switch. */
  public Host aggregate(List<String> nics) {
    Wire wire = port(nics.getFirst()).wire();
    String lag = wire.nextPort();
    lab.onClose(() -> Shell.result(List.of("ip", "link", "del", lag)));
    String mode = "type bond miimon 100 mode 802.3ad lacp_rate fast";
    Shell.run("sh", "-ec", "ip link add $0 " + mode, lag);
    for (String nic : nics) {
      String end = port(nic).name();
      Shell.run("ip", "link", "set", end, "nomaster", "down");
      Shell.run("ip", "link", "set", end, "master", lag);
    }
    Shell.run("ip", "link", "set", lag, "addrgenmode", "none", "master", wire.bridge());
    Shell.run("ip", "link", "set", lag, "up");
    return this;
  }

  /** Makes a bridge with one port, up. */
  public Host bridge(String bridge, String nic, String... addresses) {
    ip("link add " + bridge + " type bridge forward_delay 0");
    ip("link set " + nic + " master " + bridge);
    return up(bridge, addresses);
  }

  /** Makes a VRF, up and without a NIC. */
  public Host vrf(String vrf, int table) {
    ip("link add %s type vrf table %d".formatted(vrf, table));
    return up(vrf);
  }

  /** Takes a NIC out of the host. */
  public void unplug(String nic) {
    Shell.run("ip", "link", "del", port(nic).name());
    ports.remove(nic);
  }

  /**
   * The switch drops all frames from and to the NIC. The host keeps its carrier and notices
   * nothing.
   */
  public void cut(String nic) {
    Shell.run("ip", "link", "set", port(nic).name(), "nomaster");
  }

  /** Undoes {@link #cut}. */
  public void mend(String nic) {
    Port port = port(nic);
    Shell.run("ip", "link", "set", port.name(), "master", port.wire().bridge());
  }

  /** The NIC loses its carrier. */
  public void pullCable(String nic) {
    Shell.run("ip", "link", "set", port(nic).name(), "down");
  }

  /** Undoes {@link #pullCable}. */
  public void plugCable(String nic) {
    Shell.run("ip", "link", "set", port(nic).name(), "up");
  }

  /** MAC address of a NIC, in lower case. */
  public String mac(String nic) {
    return run("cat", "/sys/class/net/" + nic + "/address").strip();
  }

  /** Whether any NIC has this address (without a prefix length). */
  public boolean hasAddress(String address) {
    return !ip("-o addr show to " + address).isBlank();
  }

  /** Adds a route: {@code default via 203.0.113.1}. */
  public Host route(String route) {
    ip((route.contains(":") ? "-6 " : "") + "route add " + route);
    return this;
  }

  /** Runs {@code ip} with arguments that are split at blanks; returns what it prints. */
  public String ip(String arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.strip().split(" +")));
    return Shell.run(inside(command));
  }

  /** Runs a shell script here and returns what it prints; it fails at its first failing command. */
  public String sh(String script) {
    return run("sh", "-ec", script);
  }

  /**
   * Runs a command here to its end and returns what it prints.
   *
   * @throws IllegalStateException when its exit code is not 0
   */
  public String run(String... command) {
    return Shell.run(inside(List.of(command)));
  }

  /** Whether a command run here exits with 0. */
  public boolean succeeds(String... command) {
    return Shell.result(inside(List.of(command))).exit() == 0;
  }

  /** Whether an address answers within a second, by refusing a connection to its port 9. */
  public boolean reaches(String address) {
    String url = "http://" + (address.contains(":") ? "[" + address + "]" : address) + ":9/";
    List<String> curl = List.of("curl", "-sSv", "--connect-timeout", "1", "--noproxy", "*", url);
    return Shell.result(inside(curl)).output().contains("Connection refused");
  }

  /** Body of a GET on a new connection with a timeout of 1 s, or an empty text when it fails. */
  public String get(String url) {
    Shell.Result result =
        Shell.result(inside(List.of("curl", "-sf", "--max-time", "1", "--noproxy", "*", url)));
    return result.exit() == 0 ? result.output() : "";
  }

  /** Starts a program here; its output goes to a file of its own in the work folder. */
  public Proc start(String name, String... command) {
    return start(name, Map.of(), command);
  }

  /** Starts a program here with additional environment variables. */
  public Proc start(String name, Map<String, String> environment, String... command) {
    return start(name, environment, inside(List.of(command)));
  }

  /** Starts a program on the control host that moves itself to this host. */
  Proc startOutside(String name, String... command) {
    return startOutside(name, Map.of(), command);
  }

  /** The same with additional environment variables. */
  Proc startOutside(String name, Map<String, String> environment, String... command) {
    return start(name, environment, List.of(command));
  }

  private Proc start(String name, Map<String, String> environment, List<String> command) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("TMPDIR", "/run/lab/tmp");
    all.putAll(environment);
    // JVMs: no files in the machine's /tmp, which a SIGKILL would leave there.
    all.merge(
        "JAVA_OPTS",
        "-XX:-UsePerfData -Djava.io.tmpdir=/run/lab/tmp",
        (own, lab) -> lab + " " + own);
    int start = starts.merge(name, 1, Integer::sum);
    String file = this.name + "-" + name + (start == 1 ? "" : "-" + start) + ".log";
    Proc proc = Proc.start(this.name + "/" + name, lab.work().resolve(file), all, command);
    procs.removeIf(p -> !p.alive());
    procs.add(proc);
    return proc;
  }

  /** Records the frames of a NIC that match a filter in tcpdump's language, empty for all. */
  public Capture capture(String nic, String filter) {
    return Capture.start(this, nic, filter);
  }

  /** Path of its network namespace; null for the control host, which is where this JVM is. */
  Path namespace() {
    return enter.isEmpty() ? null : Path.of("/run/netns", name);
  }

  Lab lab() {
    return lab;
  }

  /** Ends all programs of this host and removes it with its NICs. */
  @Override
  public void close() {
    if (enter.isEmpty()) {
      procs.forEach(Proc::close);
      return;
    }
    // Also those that left their process group.
    Await.until("no process on " + name, Duration.ofSeconds(30), this::endAll);
    procs.forEach(Proc::close);
    ports.values().forEach(port -> Shell.run("ip", "link", "del", port.name()));
    Shell.run("ip", "netns", "del", name);
  }

  @Override
  public String toString() {
    return name;
  }

  private boolean endAll() {
    String pids = Shell.run("ip", "netns", "pids", name).strip().replaceAll("\\s+", " ");
    return pids.isEmpty() || Shell.result(List.of("sh", "-c", "kill -9 " + pids)).exit() < 0;
  }

  private Port port(String nic) {
    Port port = ports.get(nic);
    if (port == null) {
      throw new IllegalArgumentException(name + " has no NIC " + nic);
    }
    return port;
  }

  private List<String> inside(List<String> command) {
    List<String> all = new ArrayList<>(enter);
    all.addAll(command);
    return all;
  }
}
