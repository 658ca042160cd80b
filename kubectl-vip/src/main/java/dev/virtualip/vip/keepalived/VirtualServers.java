package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Fields.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Translates virtual_server blocks: each goes to the VirtualIP that has its address. */
final class VirtualServers {
  private static final Set<String> SCHEDULERS =
      Set.of("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh");
  private static final Map<String, String> FLAGS =
      Map.of(
          "sh-port", "Port",
          "mh-port", "Port",
          "flag-2", "Port",
          "sh-fallback", "Fallback",
          "mh-fallback", "Fallback",
          "flag-1", "Fallback");
  private static final Map<String, String> METHODS =
      Map.of("NAT", "Masquerade", "DR", "DirectRoute", "TUN", "Tunnel");
  private static final Map<String, String> CHECKSUMS =
      Map.of("nocsum", "None", "csum", "Full", "remcsum", "Remote");

  private final ServerChecks checks;
  private final Globals globals;
  private final Report report;
  private final Reading reading;
  private final Map<String, Directive> groups = new HashMap<>();

  VirtualServers(ServerChecks checks, Globals globals, Report report) {
    this.checks = checks;
    this.globals = globals;
    this.report = report;
    this.reading = new Reading(report);
  }

  /** Takes a virtual_server_group; it is translated with the virtual server that names it. */
  void group(Directive block) {
    groups.put(block.argument(1), block);
  }

  /**
   * What a virtual server is for: ports of addresses, or a mark.
   *
   * @param port null with a mark
   */
  private record Service(List<String> addresses, Integer port, Long fwmark, Directive from) {}

  /** Adds a virtual server to the router that has its address. */
  void translate(Directive block, List<Router> routers) {
    var services = services(block);
    if (services.isEmpty()) {
      return;
    }
    var placed = new LinkedHashMap<Service, Router>();
    for (var service : services) {
      var router = owner(service, routers);
      if (router == null) {
        var what = service.fwmark() == null ? String.join(", ", service.addresses()) : "a fwmark";
        report.notSupported(
            block,
            routers.isEmpty()
                ? "there is no vrrp_instance, and virtual servers move with one"
                : "no vrrp_instance has %s: add it to virtual_ipaddress".formatted(what));
        return;
      }
      placed.put(service, router);
    }
    report.translated(block);
    placed.forEach((service, router) -> add(block, service, router));
  }

  private static Router owner(Service service, List<Router> routers) {
    return routers.stream()
        .filter(
            router ->
                service.fwmark() != null
                    || service.addresses().stream().allMatch(router::hasAddress))
        .findFirst()
        .orElse(null);
  }

  private List<Service> services(Directive block) {
    var kind = block.argument(1);
    if (kind.equals("group")) {
      return groupServices(block);
    }
    if (kind.equals("fwmark")) {
      var mark = reading.number(block, 2, 1, Integer.MAX_VALUE);
      return mark == null ? List.of() : List.of(new Service(List.of(), null, (long) mark, block));
    }
    boolean hasPort = block.argument(2).matches("[0-9]+");
    var port = hasPort ? reading.number(block, 2, 0, 65535) : (Integer) 0;
    return port == null ? List.of() : List.of(new Service(List.of(kind), port, null, block));
  }

  private List<Service> groupServices(Directive block) {
    var group = groups.get(block.argument(2));
    if (group == null) {
      report.notSupported(block, "there is no virtual_server_group " + block.argument(2));
      return List.of();
    }
    report.translated(group);
    var byPort = new LinkedHashMap<Integer, Service>();
    var services = new ArrayList<Service>();
    for (var line : group.block()) {
      var port =
          line.argument(1).isEmpty() ? (Integer) 0 : Reading.number(line.argument(1), 0, 65535);
      if (line.keyword().equals("fwmark")) {
        var mark = reading.number(line, 1, 1, Integer.MAX_VALUE);
        if (mark != null) {
          services.add(new Service(List.of(), null, (long) mark, line));
          report.translated(line);
        }
      } else if (line.keyword().matches(".*[-/].*") || port == null) {
        report.notSupported(
            line, "list the addresses of a range, each with its port, or use a fwmark");
      } else {
        byPort
            .computeIfAbsent(port, one -> new Service(new ArrayList<>(), one, null, line))
            .addresses()
            .add(line.keyword());
        report.translated(line);
      }
    }
    services.addAll(byPort.values());
    if (services.isEmpty()) {
      report.notSupported(block, "its group has no address that could be translated");
    }
    return services;
  }

  private void add(Directive block, Service service, Router router) {
    var server = new Fields();
    var list = router.spec().list("virtualServers", block);
    server.put("name", "", service.from());
    if (service.fwmark() != null) {
      server.put("fwmark", service.fwmark(), service.from());
    } else {
      server.put("port", service.port(), service.from());
      service.addresses().forEach(address -> server.add("addresses", address, service.from()));
    }
    new One(block, server, service).translate();
    server.put("name", name(service, server, list), service.from());
    list.add(new Value(server, block));
    timeouts(router);
  }

  private static String name(Service service, Fields server, List<Value> list) {
    var protocol = server.text("protocol") == null ? "mark" : server.text("protocol");
    var number = service.fwmark() == null ? service.port() : service.fwmark();
    var names = new Names();
    list.forEach(other -> names.unique(((Fields) other.content()).text("name")));
    return names.unique(protocol.toLowerCase(Locale.ROOT) + "-" + number);
  }

  private void timeouts(Router router) {
    var timeouts = globals.get("lvs_timeouts");
    if (timeouts == null) {
      return;
    }
    report.translated(timeouts);
    var fields = router.spec().in("connectionTimeouts", timeouts);
    fields.put("tcp", Reading.duration(timeouts.after("tcp")), timeouts);
    fields.put("tcpFin", Reading.duration(timeouts.after("tcpfin")), timeouts);
    fields.put("udp", Reading.duration(timeouts.after("udp")), timeouts);
  }

  /** Adds {@code lvs_sync_daemon} to the router of the instance that it names. */
  void sync(Directive daemon, Map<String, Router> routers) {
    var named = daemon.arguments().stream().filter(routers::containsKey).findFirst();
    var router = named.map(routers::get).orElse(null);
    if (router == null || router.spec().get("virtualServers") == null) {
      report.notSupported(
          daemon,
          router == null
              ? "it goes with an instance, and names none"
              : "connections are copied of virtual servers, and this VirtualIP has none");
      return;
    }
    var sync =
        router.spec().in("connectionSync", daemon).put("interface", daemon.argument(1), daemon);
    sync.put("syncId", Reading.number(daemon.after("id"), 0, 255), daemon);
    report.translated(daemon);
    for (var option : List.of("maxlen", "port", "ttl", "group")) {
      if (daemon.has(option)) {
        report.approximated(daemon, option + " is the kernel's default");
      }
    }
  }

  /** One virtual server. */
  private final class One {
    private final Directive block;
    private final Fields server;
    private final Service service;
    private final Map<String, Directive> inherited = new HashMap<>();
    private final List<Directive> real = new ArrayList<>();
    private Directive persistence;
    private Directive granularity;

    private One(Directive block, Fields server, Service service) {
      this.block = block;
      this.server = server;
      this.service = service;
    }

    private void translate() {
      protocol();
      block.block().forEach(this::one);
      if (server.get("forwarding") == null) {
        server.put("forwarding", "Masquerade", block);
      }
      persistence();
      servers();
    }

    private void protocol() {
      if (service.fwmark() != null) {
        return;
      }
      var protocol =
          block.block().stream().filter(one -> one.keyword().equals("protocol")).findFirst();
      if (protocol.isPresent()) {
        server.put("protocol", protocol.get().argument(1), protocol.get());
        report.translated(protocol.get());
      } else {
        server.put("protocol", "UDP", block);
        report.translated(block, "UDP, which keepalived takes without protocol");
      }
    }

    private void one(Directive directive) {
      var word = directive.argument(1);
      switch (directive.keyword()) {
        case "protocol" -> report.translated(directive);
        case "lvs_sched", "lb_algo" -> {
          boolean known = SCHEDULERS.contains(word);
          set("scheduler", known ? word : null, directive, "no such scheduler, so wlc counts");
        }
        case "lvs_method", "lb_kind" -> method(directive);
        case "ops" -> set("onePacket", true, directive, "");
        case "quorum" -> number("quorum", directive, 1);
        case "hysteresis" -> number("hysteresis", directive, 0);
        case "inhibit_on_failure" -> set("onFailure", "Quiesce", directive, "");
        case "persistence_timeout" -> persistence = directive;
        case "persistence_granularity" -> granularity = directive;
        case "sorry_server" -> {
          var port = Reading.number(directive.argument(2), 1, 65535);
          server
              .in("sorryServer", directive)
              .put("address", word, directive)
              .put("port", port == null || port.equals(service.port()) ? null : port, directive);
          report.translated(directive);
        }
        case "real_server" -> real.add(directive);
        default -> {
          if (FLAGS.containsKey(directive.keyword())) {
            server.add("schedulerFlags", FLAGS.get(directive.keyword()), directive);
            report.translated(directive);
          } else if (ServerChecks.INHERITED.contains(directive.keyword())) {
            inherited.put(directive.keyword(), directive);
          } else {
            Counterparts.VIRTUAL_SERVER.judge(directive, report);
          }
        }
      }
    }

    private void number(String field, Directive directive, int min) {
      var number = reading.number(directive, 1, min, 16_776_960);
      if (number != null) {
        set(field, number, directive, "");
      }
    }

    private void set(String field, Object value, Directive directive, String otherwise) {
      if (value == null) {
        report.notSupported(directive, otherwise);
      } else {
        server.put(field, value, directive);
        report.translated(directive);
      }
    }

    private void method(Directive directive) {
      var method = METHODS.get(directive.argument(1));
      set("forwarding", method, directive, "expected NAT, DR or TUN");
      if (!"Tunnel".equals(method)) {
        return;
      }
      var type = directive.after("type");
      var tunnel = new Fields();
      tunnel.put("type", type == null ? null : type.toUpperCase(Locale.ROOT), directive);
      tunnel.put("port", Reading.number(directive.after("port"), 1, 65535), directive);
      directive.arguments().stream()
          .filter(CHECKSUMS::containsKey)
          .forEach(word -> tunnel.put("checksum", CHECKSUMS.get(word), directive));
      if (!tunnel.isEmpty()) {
        server.put("tunnel", tunnel, directive);
      }
    }

    private void persistence() {
      if (persistence != null) {
        var text = persistence.argument(1);
        var seconds = text.isEmpty() ? (Integer) 360 : reading.number(persistence, 1, 1, 86_400);
        if (seconds != null) {
          server.in("persistence", persistence).put("timeout", seconds + "s", persistence);
          report.translated(persistence);
        }
      }
      if (granularity != null && server.get("persistence") != null) {
        var prefix = prefix(granularity.argument(1));
        if (prefix == null) {
          report.notSupported(granularity, "expected a netmask, as in 255.255.255.0");
        } else {
          server.in("persistence", granularity).put("prefix", prefix, granularity);
          report.translated(granularity);
        }
      }
    }

    /** The length of a netmask, or that of an IPv6 prefix. */
    private static Integer prefix(String mask) {
      if (!mask.contains(".")) {
        return Reading.number(mask, 1, 128);
      }
      long bits = 0;
      for (var part : mask.split("\\.")) {
        var number = Reading.number(part, 0, 255);
        if (number == null) {
          return null;
        }
        bits = bits << 8 | number;
      }
      int length = Long.bitCount(bits);
      return length > 0 && bits == (0xFFFF_FFFFL << 32 - length & 0xFFFF_FFFFL) ? length : null;
    }

    private void servers() {
      List<Map<String, Object>> common = null;
      Directive first = null;
      for (var one : real) {
        var own = realServer(one);
        var plain = own.stream().map(Fields::plain).toList();
        if (common == null) {
          common = plain;
          first = one;
          name(own);
          own.forEach(check -> server.add("checks", check, block));
        } else if (!plain.equals(common)) {
          differ(one, first);
        }
      }
      inherited.values().stream()
          .filter(directive -> !report.isClaimed(directive))
          .forEach(directive -> report.unused(directive, "no check needs it"));
    }

    private void differ(Directive one, Directive first) {
      var own = one.block().stream().filter(d -> ServerChecks.isChecker(d.keyword())).toList();
      var why = "all servers of a virtual server have the checks of the first, at " + first.place();
      own.forEach(checker -> report.notSupported(checker, why));
      if (own.isEmpty()) {
        report.notSupported(one, why);
      }
    }

    private void name(List<Fields> own) {
      var names = new Names();
      for (var check : own) {
        var kind =
            check.values().keySet().stream()
                .filter(key -> check.get(key).content() instanceof Fields)
                .findFirst()
                .orElse("check");
        var named = new Fields().put("name", names.unique(kind), check.get(kind).from());
        named.values().putAll(check.values());
        check.values().clear();
        check.values().putAll(named.values());
      }
    }

    private List<Fields> realServer(Directive one) {
      report.translated(one);
      var address = one.argument(1);
      var port = Reading.number(one.argument(2), 0, 65535);
      var fields = new Fields().put("address", address, one);
      boolean same = port == null || port == 0 || port.equals(service.port());
      fields.put("port", same ? null : port, one);
      var settings = new HashMap<>(inherited);
      var checkers = new ArrayList<Directive>();
      for (var directive : one.block()) {
        if (directive.keyword().equals("weight")) {
          var weight = reading.number(directive, 1, 0, 65535);
          fields.put("weight", weight == null || weight == 1 ? null : weight, directive);
          if (weight != null) {
            report.translated(directive);
          }
        } else if (directive.keyword().matches("inhibit_on_failure|lvs_method|lb_kind")) {
          ofAll(directive);
        } else if (ServerChecks.isChecker(directive.keyword())) {
          checkers.add(directive);
        } else if (ServerChecks.INHERITED.contains(directive.keyword())) {
          settings.put(directive.keyword(), directive);
        } else {
          Counterparts.REAL_SERVER.judge(directive, report);
        }
      }
      server.in("realServers", block).add("addresses", fields, one);
      var own = new ArrayList<Fields>();
      checkers.forEach(checker -> own.addAll(checks.translate(checker, address, settings)));
      settings.values().stream()
          .filter(one.block()::contains)
          .filter(directive -> !report.isClaimed(directive))
          .forEach(directive -> report.unused(directive, "no check needs it"));
      return own;
    }

    /** What the virtual server has for all of its servers. */
    private void ofAll(Directive directive) {
      if (directive.keyword().equals("inhibit_on_failure")) {
        server.put("onFailure", "Quiesce", directive);
        report.approximated(directive, "of all servers of the virtual server");
      } else if (METHODS
          .getOrDefault(directive.argument(1), "")
          .equals(server.text("forwarding"))) {
        report.translated(directive);
      } else {
        report.notSupported(
            directive, "one forwarding for a virtual server: make two of it, with a fwmark each");
      }
    }
  }
}
