package dev.virtualip.agent.instance;

import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.values.IpPrefix;

/**
 * A check of a real server. Its text is a name that no other check of the VirtualIP has.
 *
 * @param virtualServer name of the virtual server
 * @param check name of the check, as the user wrote it
 */
public record ServerCheck(String virtualServer, RealServer server, String check) {

  /** The label of its metrics, which the same check of all servers shares. */
  String label() {
    return virtualServer + "/" + check;
  }

  /** The label of the metrics of a check, from its name. Other checks have their name as label. */
  public static String label(String name) {
    int first = name.indexOf('/');
    return first < 0 ? name : name.substring(0, first) + name.substring(name.lastIndexOf('/'));
  }

  @Override
  public String toString() {
    var address = IpPrefix.text(server.address());
    return virtualServer + "/" + address + "/" + server.port() + "/" + check;
  }
}
