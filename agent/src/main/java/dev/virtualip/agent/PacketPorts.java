package dev.virtualip.agent;

import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.PacketPort;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** One packet port a link, opened when first needed. Used by one thread. */
final class PacketPorts implements AutoCloseable {
  private final Map<Integer, PacketPort> ports = new HashMap<>();
  private final PacketPort.Opener opener;
  private final PacketPort.Receiver receiver;

  PacketPorts(PacketPort.Opener opener, PacketPort.Receiver receiver) {
    this.opener = opener;
    this.receiver = receiver;
  }

  /** The link's port. */
  PacketPort open(Link link) throws IOException {
    var port = ports.get(link.index());
    if (port == null) {
      port = opener.open(link, receiver);
      ports.put(link.index(), port);
    }
    return port;
  }

  /** Closes a link's port; the next use opens it anew, and joins the group anew. */
  void close(int linkIndex) {
    var port = ports.remove(linkIndex);
    if (port != null) {
      port.close();
    }
  }

  @Override
  public void close() {
    ports.values().forEach(PacketPort::close);
    ports.clear();
  }
}
