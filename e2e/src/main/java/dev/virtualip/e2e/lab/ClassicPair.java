package dev.virtualip.e2e.lab;

import java.util.List;

/**
 * The classic nginx + keepalived set-up. Two nodes have {@code eth0} on the internal network and
 * {@code eth1} on the public one, without an address of its own; nginx runs on both. A client is
 * behind the upstream router on another subnet, so that answers reach it only by the virtual route.
 */
public final class ClassicPair implements AutoCloseable {
  /** The virtual address. */
  public static final String VIP = "203.0.113.10";

  /** A page behind the virtual address. */
  public static final String URL = "http://" + VIP + "/";

  /** Address of the control host on the internal network. */
  public static final String CONTROL = "10.0.0.1";

  private final Host nodeA;
  private final Host nodeB;
  private final Host client;
  private final Nginx nginxA;
  private final Nginx nginxB;

  private ClassicPair(Lab lab) {
    var internal = lab.wire("internal").address(CONTROL + "/24");
    var open = lab.wire("public");
    var far = lab.wire("far");
    nodeA = lab.host("node-a").plug("eth0", internal, "10.0.0.11/24").plug("eth1", open);
    nodeB = lab.host("node-b").plug("eth0", internal, "10.0.0.12/24").plug("eth1", open);
    lab.host("router")
        .plug("eth0", open, "203.0.113.1/24")
        .plug("eth1", far, "198.51.100.1/24")
        .forward();
    client = lab.host("client").plug("eth0", far, "198.51.100.10/24");
    client.route("default via 198.51.100.1");
    nginxA = Nginx.start(nodeA);
    nginxB = Nginx.start(nodeB);
  }

  /** Builds the set-up; no node holds the virtual address yet. */
  public static ClassicPair build(Lab lab) {
    return new ClassicPair(lab);
  }

  public Host nodeA() {
    return nodeA;
  }

  public Host nodeB() {
    return nodeB;
  }

  /** Both nodes. */
  public List<Host> nodes() {
    return List.of(nodeA, nodeB);
  }

  public Host client() {
    return client;
  }

  public Nginx nginxA() {
    return nginxA;
  }

  public Nginx nginxB() {
    return nginxB;
  }

  /** Whether a node has the virtual address and the default route through the public network. */
  public static boolean holds(Host node) {
    return node.hasAddress(VIP) && hasRoute(node);
  }

  /** Whether a node has neither the virtual address nor the virtual route. */
  public static boolean isClean(Host node) {
    return !node.hasAddress(VIP) && !hasRoute(node);
  }

  private static boolean hasRoute(Host node) {
    return node.ip("route show default").contains("203.0.113.1");
  }

  /** Names of the nodes that have the virtual address now. */
  public List<String> owners() {
    return nodes().stream().filter(node -> node.hasAddress(VIP)).map(Host::name).toList();
  }

  @Override
  public void close() {
    nginxA.close();
    nginxB.close();
  }
}
