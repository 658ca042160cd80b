package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Report.Outcome;
import java.util.HashMap;
import java.util.Map;

/**
 * Keywords that become no field, and why, one table for each kind of block. A line begins with
 * {@code =} if it is always so here, {@code ~} if something here is like it, {@code -} if not.
 */
enum Counterparts {
  /** Outside of blocks. */
  TOP(
      """
      - static_ipaddress static_routes static_rules track_group: part of the node's own configuration
      - garp_group: garp.interval is of each VirtualIP
      - linkbeat_interfaces linkbeat_use_polling: the kernel reports carriers
      - SSL: checks of real servers use no certificate of a client
      - net_namespace net_namespace_ipvs namespace_with_ipsets: the agent works in the namespace it is \
      started in
      - instance use_pid_dir child_wait_time: about keepalived's processes, which are not there any more
      """),

  /** Of global_defs. */
  GLOBAL(
      """
      = vrrp_skip_check_adv_addr vrrp_check_unicast_src vrrp_higher_prio_send_advert: always so
      = enable_script_security: always so; commands run unprivileged, from the scripts directory alone
      = reload_check_config config_test: an edit that is not valid is refused as a whole
      = checker_log_all_failures: failures of checks are in the log, in status and metrics
      ~ vrrp_garp_master_refresh_repeat: always 1
      = process_names process_name vrrp_process_name checker_process_name bfd_process_name: no matter here
      ~ script_user: commands run as nobody, and from the scripts directory alone
      ~ vrrp_garp_lower_prio_repeat vrrp_garp_lower_prio_delay: garp.repeat, once in 5 s at most
      ~ vrrp_garp_extra_if: each address is announced on its own NIC, every garp.refresh
      ~ max_auto_priority min_auto_priority_delay vrrp_priority checker_priority bfd_priority vrrp_no_swap \
      checker_no_swap bfd_no_swap vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity vrrp_rt_priority \
      checker_rt_priority bfd_rt_priority vrrp_rlimit_rttime checker_rlimit_rttime bfd_rlimit_rttime: about \
      keepalived's processes; the agent is one, and the metric virtualip_deadline_lateness_seconds tells if \
      it is late
      ~ lvs_flush lvs_flush_on_stop: virtual services of others stay, its own go
      ~ enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 \
      enable_traps snmp_socket enable_dbus dbus_service_name: there are metrics and Events instead
      ~ log_unknown_vrids: adverts that do not fit are the condition VridConflict
      ~ data_use_instance: see /status and /metrics
      ~ vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_netlink_cmd_rcv_bufs \
      vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force \
      lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs \
      lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force: the agent \
      sets its buffers itself
      ~ umask tmp_config_directory config_save_dir reload_file random_seed include_check instance \
      use_pid_dir child_wait_time linkbeat_use_polling: about keepalived's files and processes
      - vrrp_lower_prio_no_advert: a lower master is answered at once (RFC 9568)
      - vrrp_down_timer_adverts: always 3; where packets are lost, advertRepeat sends more of them
      - vrrp_strict: there is no strict mode
      - vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_counters nftables_ifindex \
      nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark: the agent sets no firewall rules
      - use_vmac use_vmac_addr vmac_xmit_base: keepalived does not know it here; write it in vrrp_instance
      ~ vmac_prefix vmac_addr_prefix: the interface of a virtual MAC is named after NIC and VRID
      - dynamic_interfaces allow_if_changes: NICs may come and go always
      - default_interface: give each address its dev
      - disable_local_igmp: sysctls are the node's own configuration
      - startup_script startup_script_timeout shutdown_script shutdown_script_timeout: use systemd
      - notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo \
      lvs_notify_fifo_script fifo_write_vrrp_states_on_reload vrrp_notify_priority_changes: no FIFOs; use \
      notifications, and metrics for priorities
      - reload_time_file reload_repeat: an edit applies at once
      - smtp_alert_checker rs_init_notifies no_checker_emails: no mails about real servers; use alerts
      - net_namespace net_namespace_ipvs namespace_with_ipsets: the agent works in the namespace it is \
      started in
      - garp_master_delay garp_master_repeat garp_master_refresh: keepalived does not know it here; the \
      global keyword begins with vrrp_
      """),

  /** Of vrrp_instance. */
  INSTANCE(
      """
      = skip_check_adv_addr check_unicast_src higher_prio_send_advert track_src_ip unicast_fault_no_peer \
      accept promote_secondaries preempt: always so, unless another field says otherwise
      ~ native_ipv6: the first address tells the family
      ~ garp_master_refresh_repeat: always 1
      ~ garp_lower_prio_repeat garp_lower_prio_delay: garp.repeat, once in 5 s at most
      ~ garp_extra_if: each address is announced on its own NIC, every garp.refresh
      ~ debug kernel_rx_buf_size: about keepalived's process
      - use_vmac_addr: a virtual MAC is on one NIC, that of the adverts
      - use_ipvlan: addresses are on the NIC itself
      - vrf: adverts go by a NIC
      - dont_track_primary: adverts need that NIC, so it is tracked always
      - mcast_src_ip: the NIC's first address that is not virtual is the source
      - mcast_dst_ip: the groups are the RFC's; unicast gets out of the way of another's VRID
      - lower_prio_no_advert: a lower master is answered at once (RFC 9568)
      - down_timer_adverts: always 3; where packets are lost, advertRepeat sends more of them
      - old_unicast_checksum: both checksums are accepted, and that of keepalived since 1.3.6 is sent
      - no_accept: the addresses are the node's own; use the firewall
      - strict_mode: there is no strict mode
      - no_virtual_ipaddress: an advert lists an address
      - notify_master_rx_lower_pri notify_priority_changes: notifications are about states; priorities are \
      in status and metrics
      - lvs_sync_daemon_interface: keepalived takes lvs_sync_daemon in global_defs instead; so does the import
      - lvs_sync_daemon_inteface: keepalived's former spelling, which 2.2 does not know: write \
      lvs_sync_daemon in global_defs
      - linkbeat_use_polling: the kernel reports carriers
      """),

  /** Of vrrp_sync_group. */
  GROUP(
      """
      ~ global_tracking: what one member tracks counts for all
      - sync_group_tracking_weight: priorities of members would drift apart
      - notify_priority_changes: priorities are in status and metrics
      """),

  /** Of vrrp_script and MISC_CHECK. */
  SCRIPT(
      """
      ~ user: commands run as nobody
      """),

  /** Of vrrp_track_process. */
  PROCESS(
      """
      - param_match full_command: a process is found by its name alone
      - quorum_max: it counts as running or not
      - fork_delay delay: a process counts at once
      """),

  /** Of bfd_instance. */
  BFD(
      """
      = source_ip: the address of the NIC towards the neighbour
      = vrrp: always so
      ~ idle_tx: always 1 s
      - passive max_hops ttl hoplimit: sessions are active, and with the next hop
      - checker: BFD is not for real servers
      """),

  /** Of virtual_server. */
  VIRTUAL_SERVER(
      """
      = ip_family: the addresses tell
      ~ ha_suspend: checks run on every node, so that a new master knows who is up
      ~ warmup: checks are spread over a second at most
      ~ snmp_name: metrics have the name of the virtual server
      ~ smtp_alert: no mails about real servers; use alerts and Events
      - persistence_engine: sip needs a kernel module of its own
      - quorum_up quorum_down: commands at the master would depend on which node that is; see the condition \
      QuorumLost
      - sorry_server_inhibit: a sorry server of weight 0 stays in the table for nothing
      - sorry_server_lvs_method: one forwarding for a virtual server
      - omega: there are no commands for quorum and servers
      - net_mask nat_mask: keepalived does not know it any more
      """),

  /** Of real_server. */
  REAL_SERVER(
      """
      ~ warmup: checks are spread over a second at most
      ~ snmp_name: metrics have the address of the server
      ~ smtp_alert: no mails about real servers; use alerts and Events
      - notify_up notify_down: use Events and metrics
      - uthreshold lthreshold: a server that refuses connections fails its check
      """),

  /** Of the checks of real servers. */
  CHECKER(
      """
      = enable_sni: always so, with the name of virtualhost
      = log_all_failures: failures of checks are in the log
      = fast_recovery: the checks of all urls run side by side
      ~ http_protocol: HTTP/1.1
      ~ warmup: checks are spread over a second at most
      ~ user: commands run as nobody
      - bindto bind_if bind_port fwmark: the kernel's routes decide
      - digest: use bodyContains, a text of the page
      - regex_no_match regex_options regex_stack regex_min_offset regex_max_offset: bodyContains is a text
      - max_reply_length: an answer has to begin with reply
      - dynamic: weights come by exit codes alone
      """);

  /** What is said of a keyword. */
  private record Counterpart(Outcome outcome, String why) {}

  private final Map<String, Counterpart> keywords = new HashMap<>();

  Counterparts(String table) {
    for (var line : table.lines().toList()) {
      var parts = line.substring(2).split(": ", 2);
      var outcome =
          switch (line.charAt(0)) {
            case '=' -> Outcome.Translated;
            case '~' -> Outcome.Approximated;
            default -> Outcome.NotSupported;
          };
      for (var keyword : parts[0].split(" ")) {
        keywords.put(keyword, new Counterpart(outcome, parts[1]));
      }
    }
  }

  /** Says what becomes of a directive, if its keyword is in the table. */
  void judge(Directive directive, Report report) {
    var counterpart = keywords.get(directive.keyword());
    if (counterpart == null) {
      return;
    }
    if (counterpart.outcome() == Outcome.NotSupported) {
      report.notSupported(directive, counterpart.why());
    } else {
      report.claim(directive, counterpart.outcome(), counterpart.why());
    }
  }
}
