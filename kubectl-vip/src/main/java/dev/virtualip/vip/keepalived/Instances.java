package dev.virtualip.vip.keepalived;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Translates vrrp_instance blocks. */
final class Instances {
  private static final int OWNER = 255;

  /** Seconds, the longest interval of VRRPv3. */
  private static final BigDecimal INTERVAL_MAX = new BigDecimal("40.95");

  /** Hop limit of IPv6 that the kernel gives by default. */
  private static final int KERNEL_HOPS = 64;

  private final Globals globals;
  private final Holdings holdings;
  private final Tracking tracking;
  private final Notices notices;
  private final ScriptFiles files;
  private final Report report;
  private final Reading reading;

  Instances(
      Globals globals,
      Holdings holdings,
      Tracking tracking,
      Notices notices,
      ScriptFiles files,
      Report report) {
    this.globals = globals;
    this.holdings = holdings;
    this.tracking = tracking;
    this.notices = notices;
    this.files = files;
    this.report = report;
    this.reading = new Reading(report);
  }

  Router translate(Directive instance) {
    report.translated(instance);
    return new One(instance).translate();
  }

  /** One instance: its directives by keyword first, as they depend on each other. */
  private final class One {
    private final Directive instance;
    private final Fields spec = new Fields();
    private final Map<String, Directive> last = new HashMap<>();
    private final List<Directive> blocks = new ArrayList<>();
    private final List<Directive> tracks = new ArrayList<>();
    private final List<Directive> told = new ArrayList<>();
    private final List<Directive> peers = new ArrayList<>();
    private Directive password;
    private SignedAdverts signed;

    private One(Directive instance) {
      this.instance = instance;
    }

    private Router translate() {
      instance.block().forEach(this::sort);
      router();
      for (var block : blocks) {
        block(block);
      }
      virtualMac();
      hops();
      version();
      interval();
      preemption();
      garp();
      var nics = Holdings.nics(spec);
      tracks.forEach(block -> tracking.track(block, spec, nics));
      notices.translate(told, globals.mailsByDefault(), spec);
      delay();
      return new Router(
          instance.argument(1),
          instance,
          spec,
          password,
          signed,
          last.get("unicast_src_ip"),
          peers);
    }

    private void sort(Directive directive) {
      switch (directive.keyword()) {
        case "virtual_ipaddress",
            "virtual_ipaddress_excluded",
            "virtual_routes",
            "virtual_rules",
            "authentication",
            "auth_hmac",
            "unicast_peer" ->
            blocks.add(directive);
        case "track_interface", "track_script", "track_process", "track_file", "track_bfd" ->
            tracks.add(directive);
        case "state",
            "interface",
            "virtual_router_id",
            "priority",
            "advert_int",
            "version",
            "nopreempt",
            "preempt_delay",
            "unicast_src_ip",
            "unicast_ttl",
            "v3_checksum_as_v2",
            "use_vmac",
            "vmac_xmit_base",
            "garp_master_delay",
            "garp_master_repeat",
            "garp_master_refresh" ->
            keep(directive);
        default -> {
          if (Notices.isOne(directive.keyword())) {
            told.add(directive);
          } else {
            Counterparts.INSTANCE.judge(directive, report);
          }
        }
      }
    }

    /** The last one counts, as in keepalived. */
    private void keep(Directive directive) {
      var former = last.put(directive.keyword(), directive);
      if (former != null) {
        report.unused(former, "no effect, as %s comes later".formatted(directive.place()));
      }
    }

    private void router() {
      number("vrid", "virtual_router_id");
      number("priority", "priority");
      var nic = last.get("interface");
      if (nic != null && nic.argument(1).equals("lo")) {
        report.notSupported(instance, "lo is no way to other hosts; keepalived refuses it, too");
      } else if (nic != null) {
        spec.put("interface", nic.argument(1), nic);
        report.translated(nic);
      }
      var state = last.get("state");
      if (state == null) {
        return;
      }
      boolean master = state.argument(1).equals("MASTER");
      if (master && last.get("priority") == null) {
        spec.put("priority", OWNER, state).put("initialState", "Master", state);
        report.translated(state, "without a priority it is that of the owner, as in keepalived");
      } else if (master && ("" + OWNER).equals(spec.text("priority"))) {
        spec.put("initialState", "Master", state);
        report.translated(state);
      } else if (master) {
        report.translated(state, "everybody listens first below priority 255, as in keepalived");
      } else if (state.argument(1).equals("BACKUP")) {
        report.translated(state);
      } else {
        report.notSupported(state, "expected MASTER or BACKUP");
      }
    }

    private void number(String field, String keyword) {
      var directive = last.get(keyword);
      var number = directive == null ? null : reading.number(directive, 1, 1, OWNER);
      if (number != null) {
        spec.put(field, number, directive);
        report.translated(directive);
      }
    }

    private void block(Directive block) {
      var nic = spec.text("interface");
      switch (block.keyword()) {
        case "virtual_ipaddress" -> holdings.addresses(block, true, nic, spec);
        case "virtual_ipaddress_excluded" -> holdings.addresses(block, false, nic, spec);
        case "virtual_routes" -> holdings.routes(block, nic, spec);
        case "virtual_rules" -> holdings.rules(block, spec);
        case "unicast_peer" -> unicast(block);
        case "auth_hmac" -> signed = SignedAdverts.read(block, spec, files, report);
        default -> authentication(block);
      }
    }

    private void unicast(Directive block) {
      spec.in("transport", block).put("mode", "Unicast", block);
      boolean ipv6 = block.block().stream().anyMatch(peer -> peer.keyword().contains(":"));
      if (ipv6 && !last.containsKey("unicast_ttl")) {
        spec.in("transport", block).put("minTtl", KERNEL_HOPS, block);
        report.approximated(
            block, "without unicast_ttl keepalived sends a hop limit of 64: minTtl");
      } else {
        report.translated(block);
      }
      for (var peer : block.block()) {
        peers.add(peer);
        report.translated(peer);
        var ttl = Reading.number(peer.after("min_ttl"), 1, OWNER);
        var former = spec.in("transport", block).get("minTtl");
        if (ttl != null && (former == null || (Integer) former.content() > ttl)) {
          spec.in("transport", block).put("minTtl", ttl, peer);
        }
        if (peer.has("max_ttl")) {
          report.approximated(peer, "without max_ttl");
        }
      }
    }

    private void authentication(Directive block) {
      boolean without = block.block().stream().noneMatch(One::isSecret);
      report.translated(block, without ? "no password is given; keepalived goes without, too" : "");
      boolean isPassword = false;
      Directive type = null;
      for (var directive : block.block()) {
        switch (directive.keyword()) {
          case "auth_type" -> {
            type = directive;
            isPassword = directive.argument(1).equals("PASS");
            if (isPassword) {
              report.translated(directive);
            } else {
              report.notSupported(directive, "of passwords there is PASS alone");
            }
          }
          case "auth_pass" -> password = directive;
          default -> {}
        }
      }
      if (password != null && !isPassword) {
        if (type == null) {
          report.unused(password, "without auth_type PASS keepalived sends no password");
        } else {
          report.notSupported(password, "of passwords there is PASS alone");
        }
        password = null;
      }
    }

    /** Behind the addresses, which must be on one NIC then. */
    private void virtualMac() {
      var vmac = last.get("use_vmac");
      var base = last.get("vmac_xmit_base");
      if (vmac == null) {
        if (base != null) {
          report.unused(base, "without use_vmac");
        }
        return;
      }
      var addresses = spec.get("addresses");
      boolean elsewhere =
          addresses != null
              && addresses.items().stream().anyMatch(item -> item.inner("interface") != null);
      if (elsewhere || ("" + OWNER).equals(spec.text("priority"))) {
        report.notSupported(
            vmac,
            elsewhere
                ? "a virtual MAC is on one NIC, that of the adverts: remove dev from the addresses"
                : "the owner of an address (priority 255) has its NIC's MAC");
        if (base != null) {
          report.unused(base, "without use_vmac");
        }
        return;
      }
      spec.put("virtualMac", true, vmac);
      if (vmac.words().size() > 1) {
        report.approximated(vmac, "the interface is named after NIC and VRID");
      }
      report.translated(vmac);
      if (base != null) {
        spec.put("vmacXmitBase", true, base);
        report.translated(base);
      }
    }

    private static boolean isSecret(Directive directive) {
      return directive.keyword().equals("auth_pass") || directive.keyword().startsWith("auth_hmac");
    }

    private void hops() {
      var ttl = last.get("unicast_ttl");
      if (ttl != null && peers.isEmpty()) {
        report.unused(ttl, "there are no peers");
      } else if (ttl != null) {
        var hops = reading.number(ttl, 1, 1, OWNER);
        if (hops != null && hops < OWNER) {
          spec.in("transport", ttl).put("minTtl", hops, ttl);
          report.approximated(ttl, "255 is sent, and keepalived's are let in by minTtl");
        }
        report.translated(ttl);
      }
    }

    /** Version 2 unless something says 3; IPv6 adverts are of version 3 always. */
    private void version() {
      var directive =
          last.get("version") != null ? last.get("version") : globals.get("vrrp_version");
      var version = directive == null ? (Integer) 2 : reading.number(directive, 1, 2, 3);
      if (version != null && directive != null) {
        report.translated(directive);
      }
      if (Router.isIpv6(spec)) {
        if (last.get("version") != null && version != null && version == 2) {
          report.notSupported(
              last.get("version"),
              "keepalived sends VRRPv2 over IPv6 here; set version 3 there first");
        }
        version = 3;
      }
      spec.put(
          "vrrpVersion",
          version == null ? (Integer) 2 : version,
          directive == null ? instance : directive);
      checksum();
      if (password != null && signed != null) {
        report.unused(password, "keepalived drops it beside auth_hmac");
        password = null;
      }
      if (password == null) {
        return;
      }
      if (version != null && version == 3) {
        report.notSupported(password, "VRRPv3 has no passwords; keepalived ignores it, too");
        password = null;
      } else {
        report.translated(
            password, "in the Secret" + (isLong() ? "; its first 8 bytes, as in keepalived" : ""));
      }
    }

    private void checksum() {
      var directive = last.get("v3_checksum_as_v2");
      var flag = directive == null ? null : reading.flag(directive);
      if (flag != null && "2".equals(spec.text("vrrpVersion"))) {
        report.unused(directive, "version 2 has one checksum");
      } else if (flag != null) {
        spec.put("rfc9568Checksum", flag ? (Object) true : null, directive);
        report.translated(directive);
      }
    }

    private boolean isLong() {
      return password.argument(1).length() > 8;
    }

    private void interval() {
      var directive = last.get("advert_int");
      var text = directive == null ? null : reading.seconds(directive, 1);
      if (text == null) {
        return;
      }
      var seconds = new BigDecimal(directive.argument(1));
      if ("2".equals(spec.text("vrrpVersion")) && seconds.stripTrailingZeros().scale() > 0) {
        seconds = seconds.setScale(0, RoundingMode.HALF_UP).max(BigDecimal.ONE);
        report.approximated(directive, "VRRPv2 has whole seconds; keepalived rounds it, too");
      } else if ("3".equals(spec.text("vrrpVersion"))) {
        var near = seconds.setScale(2, RoundingMode.HALF_UP).min(INTERVAL_MAX);
        if (near.compareTo(seconds) != 0) {
          report.approximated(directive, "keepalived takes %s s, too".formatted(near));
        }
        seconds = near;
      }
      spec.put("advertInterval", Reading.duration(seconds), directive);
      report.translated(directive);
    }

    private void preemption() {
      var no = last.get("nopreempt");
      var delay = last.get("preempt_delay");
      var state = last.get("state");
      boolean master = state != null && state.argument(1).equals("MASTER");
      for (var directive : new Directive[] {no, delay}) {
        if (directive != null && master) {
          report.unused(directive, "no effect with state MASTER, in keepalived too");
        }
      }
      if (no != null && !master) {
        spec.in("preempt", no).put("enabled", false, no);
        report.translated(no);
      }
      if (delay != null && !master && no != null) {
        report.unused(delay, "no effect with nopreempt");
      } else if (delay != null && !master) {
        spec.in("preempt", delay).put("delay", reading.seconds(delay, 1), delay);
        report.translated(delay);
      }
    }

    private void garp() {
      var least = globals.get("vrrp_min_garp");
      if (least != null && Boolean.TRUE.equals(reading.flag(least))) {
        spec.in("garp", least).put("repeat", 1, least).put("delay", "0s", least);
        report.translated(least);
      }
      var repeat = either("garp_master_repeat");
      if (repeat != null) {
        boolean none = repeat.argument(1).equals("0");
        if (none) {
          report.approximated(repeat, "keepalived sends 1, too");
        }
        var number = none ? (Integer) 1 : reading.number(repeat, 1, 1, 100);
        spec.in("garp", repeat).put("repeat", number, repeat);
        report.translated(repeat);
      }
      for (var field : List.of("delay", "refresh")) {
        var directive = either("garp_master_" + field);
        seconds(field, directive);
        if (directive != null) {
          reading.whole(directive, "drops the fraction");
        }
      }
      seconds(
          "interval",
          globals.get(Router.isIpv6(spec) ? "vrrp_gna_interval" : "vrrp_garp_interval"));
      if (spec.get("garp") != null && ((Fields) spec.get("garp").content()).isEmpty()) {
        spec.values().remove("garp");
      }
    }

    private Directive either(String keyword) {
      var own = last.get(keyword);
      return own != null ? own : globals.get("vrrp_" + keyword);
    }

    private void seconds(String field, Directive directive) {
      if (directive != null) {
        spec.in("garp", directive).put(field, reading.seconds(directive, 1), directive);
        report.translated(directive);
      }
    }

    private void delay() {
      var startup = globals.get("vrrp_startup_delay");
      if (startup != null) {
        spec.put("delayAfterBoot", reading.seconds(startup, 1), startup);
        report.approximated(startup, "counts from the node's boot, not from a restart");
      }
    }
  }
}
