package dev.virtualip.e2e.lab;

/** A network segment: a bridge on the control host. */
public final class Wire {
  private final String name;
  private final String bridge;
  private int ports;

  private Wire(String name, String bridge) {
    this.name = name;
    this.bridge = bridge;
  }

  static Wire create(String name, int number) {
    String bridge = "wire" + number;
    // A fixed MAC, since a bridge otherwise changes its own with its ports. No multicast snooping,
    // since there is no querier. No IPv6 of its own, so that the control host stays silent on the
    // wire.
    Shell.run(
        "sh",
        "-ec",
        "ip link add $0 address $1 type bridge forward_delay 0 stp_state 0 mcast_snooping 0;"
            + " ip link set $0 addrgenmode none; ip link set $0 up",
        bridge,
        "02:00:00:00:ff:%02x".formatted(number));
    return new Wire(name, bridge);
  }

  public String name() {
    return name;
  }

  /** The bridge's interface name on the control host. */
  public String bridge() {
    return bridge;
  }

  /** Gives the control host an address on this wire, such as {@code 10.0.0.1/24}. */
  public Wire address(String prefix) {
    Shell.run("ip", "addr", "add", prefix, "dev", bridge);
    return this;
  }

  /** A name for one more port of the bridge. */
  synchronized String nextPort() {
    ports++;
    return bridge + "p" + ports;
  }

  void close() {
    Shell.run("ip", "link", "del", bridge);
  }

  @Override
  public String toString() {
    return name;
  }
}
