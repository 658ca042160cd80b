package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Translates vrrp_sync_group blocks: their members get what the group has. */
final class SyncGroups {
  private final Tracking tracking;
  private final Notices notices;
  private final Report report;
  private final Names names = new Names();

  SyncGroups(Tracking tracking, Notices notices, Report report) {
    this.tracking = tracking;
    this.notices = notices;
    this.report = report;
  }

  /**
   * Adds a group to its members.
   *
   * @param routers all routers of the host, by the names of their instances
   */
  void translate(Directive group, Map<String, Router> routers) {
    report.translated(group);
    var members = new ArrayList<Router>();
    var told = new ArrayList<Directive>();
    for (var directive : group.block()) {
      if (directive.keyword().equals("group")) {
        report.translated(directive);
        directive.block().forEach(line -> members(line, routers, members));
      } else if (Notices.isOne(directive.keyword())) {
        told.add(directive);
      }
    }
    if (members.size() < 2) {
      report.translated(
          group,
          members.isEmpty() ? "has no members" : "has one member, and nothing to keep with it");
    }
    var name = names.unique(group.argument(1));
    for (var member : members) {
      member.spec().put("syncGroup", name, group);
    }
    for (var directive : group.block()) {
      rest(directive, members);
    }
    tell(group, told, members);
  }

  private void members(Directive line, Map<String, Router> routers, Collection<Router> members) {
    for (var name : line.words()) {
      if (routers.get(name) == null) {
        report.notSupported(line, "there is no instance " + name);
      } else if (routers.get(name).spec().get("syncGroup") != null) {
        report.notSupported(line, "is in another group already; keepalived leaves it there, too");
      } else {
        members.add(routers.get(name));
        report.translated(line);
      }
    }
  }

  private void rest(Directive directive, List<Router> members) {
    switch (directive.keyword()) {
      case "track_interface", "track_script", "track_process", "track_file", "track_bfd" ->
          members.forEach(
              member -> tracking.track(directive, member.spec(), Holdings.nics(member.spec())));
      case "preempt_delay" ->
          report.notSupported(directive, "keepalived does not know it here; it is of an instance");
      default -> Counterparts.GROUP.judge(directive, report);
    }
  }

  /** Members with the same settings tell of the group once; what a member has itself stays. */
  private void tell(Directive group, List<Directive> told, List<Router> members) {
    boolean own = members.stream().anyMatch(member -> member.spec().get("notifications") != null);
    if (told.isEmpty() && own) {
      report.approximated(group, "the notifications of its members tell of the group, too");
    } else if (own || members.isEmpty()) {
      told.forEach(
          directive ->
              report.notSupported(
                  directive, "a member has notifications of its own: give all members the same"));
    } else if (!told.isEmpty()) {
      members.forEach(member -> notices.translate(told, false, member.spec()));
    }
  }
}
