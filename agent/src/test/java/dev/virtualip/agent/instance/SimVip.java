package dev.virtualip.agent.instance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.values.IpPrefix;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A VirtualIP of a simulated cluster, as its users edit it. */
final class SimVip {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  final String name;
  final int number;
  final int version;
  final boolean exclusive;
  final String group;
  final boolean keepMaster;
  final int checks;
  final int checkWeight;
  final boolean route;

  /** Whether its route is to where those of others lead, such as a default route. */
  final boolean sharesRoute;

  /** Whether it has a policy routing rule, and sources that leave with its address. */
  final boolean rule;

  /** Whether its addresses have a MAC of their own, on the NIC of the adverts. */
  final boolean virtualMac;

  /** Whether it has a virtual server. */
  final boolean balances;

  final IpPrefix destination;
  final List<String> addresses = new ArrayList<>();
  final int[] priorities;
  long intervalMillis;
  boolean preempt;

  /** Whether its nodes have sessions of BFD. */
  boolean bfd;

  /** Whether its adverts go by eth2, too. */
  boolean heartbeats;

  /** Whether its nodes ask before they take over from nobody. */
  boolean probes;

  /** Whether eth2 has to be up, too. */
  boolean tracks;

  long preemptDelayMillis;
  long generation = 1;
  private final int debounceMillis;
  private final int garpDelay;
  private final int garpRefresh;
  private final Map<String, HandOver> handOvers = new HashMap<>();
  private VirtualIp object;
  private List<IpPrefix> prefixes = List.of();

  SimVip(int number, SplittableRandom random, String group, int[] priorities, boolean keepMaster) {
    this.number = number;
    this.group = group;
    name = "vip" + number;
    version = random.nextInt(3) == 0 ? 2 : 3;
    long[] intervals = version == 2 ? new long[] {1_000, 2_000} : new long[] {100, 500, 1_000};
    intervalMillis = intervals[random.nextInt(intervals.length)];
    exclusive = intervalMillis >= 1_000 && random.nextInt(3) == 0;
    tracks = random.nextInt(3) == 0;
    preempt = random.nextInt(5) > 0;
    preemptDelayMillis = random.nextInt(4) == 0 ? 2_000 : 0;
    this.keepMaster = keepMaster;
    checks = random.nextInt(3) == 0 ? 1 : 0;
    checkWeight = group != null || keepMaster || random.nextBoolean() ? 0 : -30;
    route = random.nextBoolean();
    rule = random.nextInt(4) == 0;
    balances = route;
    debounceMillis = intervalMillis >= 500 && random.nextInt(3) == 0 ? 700 : 0;
    garpDelay = random.nextInt(3);
    garpRefresh = random.nextInt(3) * 3;
    virtualMac = garpDelay == 2 && garpRefresh == 6;
    sharesRoute = garpDelay == 1;
    destination = IpPrefix.parse("198.51." + (sharesRoute ? 100 : number) + ".0/24");
    this.priorities = priorities;
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      addAddress();
    }
  }

  /** Priorities by node, mostly different ones. */
  static int[] priorities(int nodes, SplittableRandom random) {
    var priorities = new int[nodes];
    int base = 50 + random.nextInt(150);
    int first = random.nextInt(nodes);
    boolean equal = random.nextInt(6) == 0;
    for (int node = 0; node < nodes; node++) {
      priorities[node] = equal ? base : base - 7 * ((node + first) % nodes);
    }
    return priorities;
  }

  void addAddress() {
    addresses.add("203.0.113." + (10 + 10 * number + addresses.size()) + "/24");
    changed();
  }

  void changed() {
    generation++;
    object = null;
    prefixes = addresses.stream().map(IpPrefix::parse).toList();
  }

  void request(String node, HandOver handOver) {
    if (handOver == null) {
      handOvers.remove(node);
    } else {
      handOvers.put(node, handOver);
    }
    object = null;
  }

  /** Whether a route is this one's: of a route that several have, each has one with its source. */
  boolean owns(InstalledRoute its) {
    return its.to().equals(destination)
        && (!sharesRoute || its.source().getAddress()[3] / 10 == number + 1);
  }

  /** Slot of the NIC that its addresses are on. */
  int slot() {
    return virtualMac ? SimKernel.ETH0 : SimKernel.ETH1;
  }

  /** By which it selects nodes; a sync group is on the same ones. */
  String label() {
    return group == null ? name : group;
  }

  /** Its addresses as they are wanted now; asked for after every event. */
  List<IpPrefix> prefixes() {
    return prefixes;
  }

  long intervalNanos() {
    return intervalMillis * 1_000_000;
  }

  /** The object as the API server has it. */
  VirtualIp object() {
    if (object == null) {
      try {
        object = MAPPER.readValue(json(), VirtualIp.class);
        object.setStatus(
            new VirtualIpStatus(null, null, null, null, null, Map.copyOf(handOvers), null, null));
      } catch (JsonProcessingException e) {
        throw new AssertionError(json(), e);
      }
    }
    return object;
  }

  private String json() {
    var json = new StringBuilder();
    json.append("{\"metadata\":{\"name\":\"").append(name).append("\",\"generation\":");
    json.append(generation).append("},\"spec\":{\"vrid\":").append(number + 1);
    json.append(",\"vrrpVersion\":").append(version).append(",\"interface\":\"eth0\"");
    json.append(",\"advertInterval\":\"").append(intervalMillis).append("ms\"");
    json.append(",\"preempt\":{\"enabled\":").append(preempt);
    json.append(",\"delay\":\"").append(preemptDelayMillis).append("ms\"}");
    json.append(",\"garp\":{\"repeat\":2,\"delay\":\"").append(garpDelay);
    json.append("s\",\"refresh\":\"").append(garpRefresh).append("s\"}");
    json.append(",\"linkDebounce\":\"").append(debounceMillis).append("ms\"");
    json.append(",\"probe\":").append(probes);
    if (virtualMac) {
      json.append(",\"virtualMac\":true");
    }
    if (tracks) {
      json.append(",\"trackInterfaces\":[{\"name\":\"eth2\"}]");
    }
    if (heartbeats) {
      json.append(",\"heartbeats\":[{\"interface\":\"eth0\"},{\"interface\":\"eth2\"}]");
    }
    if (bfd) {
      json.append(",\"detection\":{\"bfd\":{}}");
    }
    if (exclusive) {
      json.append(",\"lease\":{\"policy\":\"Exclusive\"}");
    }
    if (group != null) {
      json.append(",\"syncGroup\":\"").append(group).append('"');
    }
    if (keepMaster) {
      json.append(",\"whenAllFail\":\"KeepMaster\"");
    }
    appendLists(json);
    return json.append("}}").toString();
  }

  private void appendLists(StringBuilder json) {
    json.append(",\"addresses\":[");
    for (int i = 0; i < addresses.size(); i++) {
      json.append(i > 0 ? "," : "").append("{\"address\":\"").append(addresses.get(i));
      json.append(virtualMac ? "\"}" : "\",\"interface\":\"eth1\"}");
    }
    json.append(']');
    if (route) {
      json.append(",\"routes\":[{\"to\":\"").append(destination);
      json.append("\",\"via\":\"203.0.113.1\"");
      json.append(virtualMac ? "}]" : ",\"interface\":\"eth1\"}]");
    }
    if (rule) {
      json.append(",\"rules\":[{\"from\":\"").append(addresses.get(0).replace("/24", ""));
      json.append("\",\"table\":100,\"priority\":").append(1_000 + number).append("}]");
      json.append(",\"egress\":{\"sources\":[\"10.7.0.0/16\"]}");
    }
    if (balances) {
      json.append(",\"virtualServers\":[{\"name\":\"web\",\"port\":80");
      json.append(",\"forwarding\":\"Masquerade\",\"realServers\":{\"addresses\":[");
      json.append("{\"address\":\"10.0.1.1\"},{\"address\":\"10.0.1.2\"}]}}]");
      json.append(",\"connectionSync\":{\"interface\":\"eth0\",\"syncId\":7}");
    }
    if (checks > 0) {
      json.append(",\"healthChecks\":[{\"name\":\"c\",\"tcp\":{\"port\":80},\"weight\":");
      json.append(checkWeight).append("}]");
    }
    json.append(",\"nodes\":{\"selector\":{\"matchLabels\":{\"").append(label());
    json.append("\":\"yes\"}},\"overrides\":[");
    for (int node = 0; node < priorities.length; node++) {
      json.append(node > 0 ? "," : "").append("{\"name\":\"n").append(node);
      json.append("\",\"priority\":").append(priorities[node]).append('}');
    }
    json.append("]}");
  }
}
