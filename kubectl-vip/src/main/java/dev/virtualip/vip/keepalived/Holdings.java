package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a master holds: addresses, routes and rules. */
final class Holdings {
  /** Priority of the first rule without one; each further one comes before it. */
  private static final int RULE_PRIORITY = 16_384;

  private static final Map<String, Long> TABLES =
      Map.of("default", 253L, "main", 254L, "local", 255L);

  /** Options of an address with a value behind them. */
  private static final Set<String> VALUED =
      Set.of("dev", "label", "scope", "brd", "broadcast", "peer", "preferred_lft");

  private static final Set<String> ANY = Set.of("all", "any", "0.0.0.0/0", "::/0");
  private static final Set<String> OTHER_ROUTES =
      Set.of(
          "blackhole", "unreachable", "prohibit", "throw", "local", "nat", "broadcast", "anycast");

  private final Report report;
  private int nextRule = RULE_PRIORITY;
  private int nextRule6 = RULE_PRIORITY;

  Holdings(Report report) {
    this.report = report;
  }

  /**
   * The addresses of a block.
   *
   * @param nic of the adverts, which an address need not name
   */
  void addresses(Directive block, boolean advertised, String nic, Fields spec) {
    report.translated(block);
    for (var line : block.block()) {
      address(line, advertised, nic, spec);
    }
  }

  private void address(Directive line, boolean advertised, String nic, Fields spec) {
    var text = withPrefix(line.keyword());
    boolean ipv6 = text.contains(":");
    if (advertised && spec.get("addresses") != null && ipv6 != Router.isIpv6(spec)) {
      report.notSupported(
          line,
          "adverts list one family, that of the first address; keepalived ignores it, too: put it"
              + " into virtual_ipaddress_excluded");
      return;
    }
    var how = new ArrayList<String>();
    var near = nearPrefix(text);
    if (!near.equals(text)) {
      text = near;
      how.add("keepalived binds it as one of a host, too, as its prefix length is too long");
    }
    var dev = line.after("dev");
    if (line.has("noprefixroute") && !text.endsWith(ipv6 ? "/128" : "/32")) {
      text = text.substring(0, text.indexOf('/')) + (ipv6 ? "/128" : "/32");
      how.add("/32 or /128 has no prefix route");
    }
    if (isBroadcast(text)) {
      text = text.substring(0, text.indexOf('/')) + "/32";
      how.add("it is the broadcast address of its own network, so it is bound as /32");
    }
    leftOut(line, how);
    var address = new Fields().put("address", text, line);
    address.put("interface", nic != null && nic.equals(dev) ? null : dev, line);
    address.put("advertised", advertised ? null : (Object) false, line);
    spec.add("addresses", address, line);
    how.forEach(one -> report.approximated(line, one));
    report.translated(line);
  }

  private static String nearPrefix(String text) {
    int length = text.contains(":") ? 128 : 32;
    int slash = text.indexOf('/') + 1;
    return Reading.number(text.substring(slash), length + 1, Integer.MAX_VALUE) == null
        ? text
        : text.substring(0, slash) + length;
  }

  private static void leftOut(Directive line, List<String> how) {
    var reasons =
        Map.ofEntries(
            Map.entry("label", "is for ifconfig"),
            Map.entry("scope", "follows from the address"),
            Map.entry("brd", "is of no use to a service"),
            Map.entry("broadcast", "is of no use to a service"),
            Map.entry("peer", "is for point-to-point links"),
            Map.entry("preferred_lft", "is for the source of connections"),
            Map.entry("use_vmac", "counts for all addresses or none: see virtualMac"),
            Map.entry(
                "no_track", "would let go of an address that is deleted; here it is put back"),
            Map.entry("home", "is for Mobile IPv6"),
            Map.entry("-nodad", "is always so"),
            Map.entry("mngtmpaddr", "is for the node's own addresses"),
            Map.entry("autojoin", "is for multicast"));
    for (int i = 1; i < line.words().size(); i++) {
      var word = line.words().get(i);
      if (reasons.containsKey(word)) {
        how.add("without %s, which %s".formatted(word, reasons.get(word)));
      } else if (!Set.of("dev", "noprefixroute").contains(word)) {
        how.add("keepalived ignores %s, too: write one address a line".formatted(word));
      }
      i += VALUED.contains(word) ? 1 : 0;
    }
  }

  /** keepalived takes an address without prefix length as one of a host. */
  static String withPrefix(String address) {
    return address.contains("/") ? address : address + (address.contains(":") ? "/128" : "/32");
  }

  private static boolean isBroadcast(String prefix) {
    var parts = prefix.split("[./]");
    var length = Reading.number(parts[parts.length - 1], 8, 30);
    if (parts.length != 5 || length == null) {
      return false;
    }
    long bits = 0;
    for (int i = 0; i < 4; i++) {
      var part = Reading.number(parts[i], 0, 255);
      if (part == null) {
        return false;
      }
      bits = bits << 8 | part;
    }
    long hosts = (1L << 32 - length) - 1;
    return (bits & hosts) == hosts;
  }

  /** The routes of a block. */
  void routes(Directive block, String nic, Fields spec) {
    report.translated(block);
    for (var line : block.block()) {
      route(line, nic, spec);
    }
  }

  private void route(Directive line, String nic, Fields spec) {
    if (OTHER_ROUTES.contains(line.keyword()) || line.has("nexthop") || line.has("or")) {
      report.notSupported(
          line, "routes of one gateway alone move with the addresses; others are the node's own");
      return;
    }
    var options = new HashMap<String, String>();
    var unknown = options(line, ROUTE_OPTIONS, options);
    var refused = unknown.stream().filter(word -> !KNOWN.contains(word.split(" ", 2)[0])).toList();
    if (!refused.isEmpty()) {
      report.notSupported(
          line,
          "keepalived does not know %s, and ignores this route".formatted(refused.getFirst()));
      return;
    }
    var to = options.remove("to");
    if (to == null) {
      report.notSupported(line, "expected a destination");
      return;
    }
    var route =
        new Fields()
            .put("to", isAny(to) ? "default" : withPrefix(to), line)
            .put("via", options.get("via"), line);
    var dev = options.get("dev");
    route.put("interface", nic != null && nic.equals(dev) ? null : dev, line);
    route.put("source", options.get("src"), line);
    if (table(options.get("table"), route, line) && metric(options.get("metric"), route, line)) {
      route.put("onLink", line.has("onlink") ? (Object) true : null, line);
      spec.add("routes", route, line);
      unknown.forEach(word -> report.approximated(line, "without " + word));
      report.translated(line);
    }
  }

  private static boolean isAny(String to) {
    return ANY.contains(to) || to.equals("default");
  }

  private boolean metric(String text, Fields route, Directive line) {
    if (text != null && !text.matches("[0-9]{1,10}")) {
      report.notSupported(line, "expected a number as metric");
      return false;
    }
    route.put("metric", text == null ? null : Long.valueOf(text), line);
    return true;
  }

  private boolean table(String text, Fields fields, Directive line) {
    var number =
        text == null ? null : text.matches("[0-9]{1,10}") ? Long.valueOf(text) : TABLES.get(text);
    if (text != null && number == null) {
      report.notSupported(line, "name the table by its number, as in /etc/iproute2/rt_tables");
      return false;
    }
    fields.put("table", "main".equals(text) && fields.get("to") != null ? null : number, line);
    return true;
  }

  private static final Map<String, String> ROUTE_OPTIONS =
      Map.ofEntries(
          Map.entry("to", "to"),
          Map.entry("via", "via"),
          Map.entry("gw", "via"),
          Map.entry("dev", "dev"),
          Map.entry("src", "src"),
          Map.entry("table", "table"),
          Map.entry("metric", "metric"),
          Map.entry("priority", "metric"),
          Map.entry("preference", "metric"));

  /** Options of routes that keepalived has, and the API has not. */
  private static final Set<String> KNOWN =
      Set.of(
          ("oif tos dsfield protocol scope mtu hoplimit advmss rtt rttvar reordering window cwnd"
                  + " ssthresh realms rto_min initcwnd initrwnd features quickack congctl pref"
                  + " fastopen_no_cookie ttl-propagate encap expires")
              .split(" "));

  private static final Map<String, String> RULE_OPTIONS =
      Map.ofEntries(
          Map.entry("from", "from"),
          Map.entry("to", "to"),
          Map.entry("table", "table"),
          Map.entry("lookup", "table"),
          Map.entry("priority", "priority"),
          Map.entry("preference", "priority"),
          Map.entry("order", "priority"));

  /** Words without a value that say nothing that is not so anyway. */
  private static final Set<String> ALWAYS =
      Set.of("onlink", "no_track", "unicast", "inet", "inet6");

  private static final Set<String> FAMILIES = Set.of("inet", "inet6");

  /**
   * Reads options and their values; the first value without a name is the destination.
   *
   * @return the options that it does not know, each with its value
   */
  private static List<String> options(
      Directive line, Map<String, String> known, Map<String, String> options) {
    var unknown = new ArrayList<String>();
    for (int i = 0; i < line.words().size(); i++) {
      var word = line.words().get(i);
      var next = i + 1 < line.words().size() ? line.words().get(i + 1) : null;
      if (known.containsKey(word) && next != null) {
        boolean family = FAMILIES.contains(next) && i + 2 < line.words().size();
        options.put(known.get(word), family ? line.words().get(i + 2) : next);
        i += family ? 2 : 1;
      } else if (word.matches(".*[0-9.:].*|default|all|any") && !options.containsKey("to")) {
        options.put("to", word);
      } else if (!ALWAYS.contains(word)) {
        unknown.add(next == null ? word : word + " " + next);
        i++;
      }
    }
    return unknown;
  }

  /** The rules of a block. */
  void rules(Directive block, Fields spec) {
    report.translated(block);
    for (var line : block.block()) {
      rule(line, spec);
    }
  }

  private void rule(Directive line, Fields spec) {
    var options = new HashMap<String, String>();
    var unknown = options(line, RULE_OPTIONS, options);
    var priority = options.get("priority");
    if (priority == null) {
      priority = Integer.toString(nextPriority(line));
      report.approximated(line, "priority %s, as keepalived gives it".formatted(priority));
    }
    if (!unknown.isEmpty()) {
      report.notSupported(
          line,
          "a rule has from, to, table and priority, and would match others without "
              + String.join(", ", unknown));
      return;
    }
    var rule = new Fields();
    for (var end : List.of("from", "to")) {
      var prefix = options.get(end);
      rule.put(end, prefix == null || ANY.contains(prefix) ? null : prefix, line);
    }
    var number = Reading.number(priority, 0, Integer.MAX_VALUE);
    if (number == null || options.get("table") == null) {
      report.notSupported(line, "expected a table and a priority");
    } else if (ruleTable(options.get("table"), rule, line)) {
      rule.put("priority", number, line);
      spec.add("rules", rule, line);
      report.translated(line);
    }
  }

  /** Counts rules of the node, which take priorities of the same sequence. */
  void skip(Directive rules) {
    rules.block().stream()
        .filter(line -> List.of("priority", "preference", "order").stream().noneMatch(line::has))
        .forEach(this::nextPriority);
  }

  private int nextPriority(Directive rule) {
    boolean ipv6 =
        rule.words().stream().anyMatch(word -> word.contains(":") || word.equals("inet6"));
    return ipv6 ? nextRule6-- : nextRule--;
  }

  private boolean ruleTable(String text, Fields rule, Directive line) {
    var table = new Fields();
    if (!table(text, table, line)) {
      return false;
    }
    rule.values().putAll(table.values());
    return true;
  }

  /** NICs that the addresses and routes of a spec are on, and that of the adverts. */
  static Set<String> nics(Fields spec) {
    var nics = new HashSet<String>();
    nics.add(spec.text("interface"));
    for (var name : List.of("addresses", "routes")) {
      if (spec.get(name) != null) {
        spec.get(name).items().forEach(one -> nics.add(((Fields) one.content()).text("interface")));
      }
    }
    nics.remove(null);
    return nics;
  }
}
