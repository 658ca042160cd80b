package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What {@code global_defs} says: defaults of the instances, and how mails are sent. */
final class Globals {
  /** Keywords whose directives others read: see {@link #get}. */
  private static final Set<String> KEPT =
      Set.of(
          "vrrp_version",
          "vrrp_garp_master_delay",
          "vrrp_garp_master_repeat",
          "vrrp_garp_master_refresh",
          "vrrp_garp_interval",
          "vrrp_gna_interval",
          "vrrp_min_garp",
          "vrrp_startup_delay",
          "vrrp_mcast_group4",
          "vrrp_mcast_group6",
          "notification_email",
          "notification_email_from",
          "smtp_server",
          "smtp_connect_timeout",
          "smtp_helo_name",
          "no_email_faults",
          "router_id",
          "smtp_alert",
          "smtp_alert_vrrp",
          "lvs_timeouts");

  private final Report report;
  private final Map<String, Directive> kept = new HashMap<>();
  private final List<Directive> syncDaemons = new ArrayList<>();

  Globals(Report report) {
    this.report = report;
  }

  void read(Directive block) {
    report.translated(block);
    for (var directive : block.block()) {
      if (directive.keyword().equals("lvs_sync_daemon")) {
        syncDaemons.add(directive);
      } else if (KEPT.contains(directive.keyword())) {
        var former = kept.put(directive.keyword(), directive);
        if (former != null) {
          report.unused(former, "no effect, as %s comes later".formatted(directive.place()));
        }
      } else {
        Counterparts.GLOBAL.judge(directive, report);
      }
    }
  }

  /** The last directive with a keyword, or null. */
  Directive get(String keyword) {
    return kept.get(keyword);
  }

  /** The directives {@code lvs_sync_daemon}. */
  List<Directive> syncDaemons() {
    return syncDaemons;
  }

  /** Whether mails are sent for an instance that says nothing about it. */
  boolean mailsByDefault() {
    for (var keyword : List.of("smtp_alert_vrrp", "smtp_alert")) {
      if (kept.get(keyword) != null) {
        report.translated(kept.get(keyword));
        return Boolean.TRUE.equals(new Reading(report).flag(kept.get(keyword)));
      }
    }
    return false;
  }

  /** What nobody used has no effect. */
  void complete() {
    multicast("vrrp_mcast_group4", "224.0.0.18");
    multicast("vrrp_mcast_group6", "ff02::12");
    kept.values().stream()
        .filter(directive -> !report.isClaimed(directive))
        .forEach(directive -> report.unused(directive, "nothing here needs it"));
  }

  private void multicast(String keyword, String address) {
    var group = kept.get(keyword);
    if (group != null && group.argument(1).equalsIgnoreCase(address)) {
      report.translated(group);
    } else if (group != null) {
      report.notSupported(
          group, "the groups are the RFC's; unicast gets out of the way of another's");
    }
  }
}
