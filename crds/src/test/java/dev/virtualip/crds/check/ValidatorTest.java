package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValidatorTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{vrid: 1}",
        "{vrid: 255}",
        "{vrrpVersion: 2, advertInterval: 255s}",
        "{vrrpVersion: 2, advertInterval: 2000ms}",
        "{lease: {policy: Exclusive}}",
        "{vrrpVersion: 2, authentication: {passwordSecretRef: {name: a, key: b}}}",
        "{authentication: {hmac: {keysSecretRef: {name: a, key: b}, mode: Permissive}}}",
        "{vrrpVersion: 2, authentication: {passwordSecretRef: {name: a, key: b},"
            + " hmac: {keysSecretRef: {name: a, key: c}}}}",
        "{advertInterval: 10ms}",
        "{advertInterval: 40950ms}",
        "{advertInterval: 40.95s}",
        "{priority: 255, initialState: Master}",
        "{preempt: {delay: 1000s}}",
        "{interface: br-0123456789ab}",
        "{interface: eth0.100}",
        "{routes: [{to: default, via: 203.0.113.1, interface: eth1}]}",
        "{routes: [{to: 10.0.0.0/8, table: 4294967295, metric: 0}]}",
        "{rules: [{from: 203.0.113.10, table: 100, priority: 1}]}",
        "{rules: [{from: 10.0.0.0/8, to: 0.0.0.0/1, table: 4294967295, priority: 32765}]}",
        "{rules: [{from: '2001:db8::10', to: '2001:db8::/32', table: 254, priority: 9}]}",
        "{rules: [{from: 10.0.0.1, table: 1, priority: 9}, {to: 10.0.0.1, table: 1, priority: 9}]}",
        "{nodes: {selector: {matchExpressions: [{key: a, operator: Exists}]}}}",
        "{nodes: {overrides: [{name: a, priority: 255, interface: ens3}]}}",
        "{healthChecks: [{name: a, dns: {host: 169.254.20.10, name: cluster.local}}]}",
        "{addresses: [{address: 'fe80::61/64'}, {address: '2001:db8::10/64'}]}",
        "{addresses: [{address: 10.0.0.1/24}, {address: '2001:db8::10/64', advertised: false}]}",
        "{vrrpVersion: 2, addresses: [{address: 10.0.0.1/24}, {address: '::5/64', advertised: false}]}",
        "{routes: [{to: default, via: 'fe80::1', source: '2001:db8::10'}, {to: '2001:db8::/32'}]}",
        "{transport: {mode: Unicast}}",
        "{transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12]}}",
        "{addresses: [{address: '2001:db8::10/64'}], transport: {mode: Unicast, peers: ['fe80::1']}}",
        "{garp: {repeat: 1, delay: 0s, refresh: 0s}}",
        "{rfc9568Checksum: true}",
        "{virtualMac: true, addresses: [{address: 10.0.0.1/24}]}",
        "{virtualMac: true, vmacXmitBase: true, priority: 254, addresses: [{address: 10.0.0.1/24}]}",
        "{trackInterfaces: [{name: eth2}, {name: 'en*', weight: -253}], linkDebounce: 1999ms}",
        "{heartbeats: [{interface: eth0}, {interface: 10.2.0.0/24, peers: [10.2.0.11, 10.2.0.12]}]}",
        "{detection: {}}",
        "{detection: {bfd: {}}}",
        "{detection: {bfd: {interval: 10ms, multiplier: 20, peers: [{address: 10.0.0.1, weight: -253}]}}}",
        "{detection: {bfd: {peers: [{address: 'fe80::1'}, {address: 'fe80::1', interface: eth2}]}}}",
        "{linkDebounce: 1s, linkDownDelay: 1999ms, linkUpDelay: 1h}",
        "{syncGroup: edge-1, delayAfterBoot: 1h}",
        "{healthChecks: [{name: a, http: {}}, {name: b, tcp: {host: '::1', port: 1}, weight: -253}]}",
        "{healthChecks: [{name: a, interval: 50ms, timeout: 10ms, http: {path: /a?b=%20c}}]}",
        "{healthChecks: [{name: a, udp: {port: 53, payload: '0a fF', reply: 0AfX}}, {name: d, dns: {}}]}",
        "{healthChecks: [{name: a, udp: {port: 1, requireReply: false}, fall: 2, retryInterval: 50ms}]}",
        "{healthChecks: [{name: d, dns: {}, watch: false}, {name: h, http: {}, watch: true}]}",
        "{healthChecks: [{name: d, dns: {name: _sip._udp.example.com., type: AAAA, port: 54}}]}",
        "{healthChecks: [{name: s, smtp: {helo: '[10.0.0.1]'}}, {name: p, ping: {host: 'fd00::1'}}]}",
        "{healthChecks: [{name: a, http: {scheme: HTTPS, hostHeader: 'a.b:443', tls: {verify: true}}}]}",
        "{healthChecks: [{name: a, initial: Failed, http: {statuses: '200', bodyContains: ok}}]}",
        "{healthChecks: [{name: a, http: {statuses: '200-299,401,403', hostHeader: '[::1]:80'}}]}",
        "{healthChecks: [{name: e, exec: {command: [check.sh, '', a]}}, {name: p, process: {name: nginx}}]}",
        "{whenAllFail: KeepMaster, priority: 2, nodes: {overrides: [{name: a}, {name: b, priority: 255}]}}",
        "{dns: {hostnames: [www.example.com, '*.a.example.com', _x.example.com], ttl: 86400}}",
        "{healthChecks: [{name: p, pod: {namespace: n, selector: {matchLabels: {a: b}}}}]}",
        "{addresses: [{address: 10.0.0.0/32}, {address: 10.0.0.2/31}, {address: 10.0.0.5/31}]}",
        "{addresses: [{address: 10.0.1.0/8}, {address: 10.0.0.255/23}, {address: 223.1.1.1/32}]}",
        "{addresses: [{address: '2001:db8::/128'}, {address: '2001:db8:1::/127'}]}",
        "{addresses: [{address: '2001:db8::ffff:ffff:ffff:ffff/64'}, {address: '2001:db8::1/16'}]}",
        "{addresses: [{address: 'fe80::1/64'}], routes: [{to: default, via: 'fe80::1', interface: eth2}]}",
      })
  void aGoodSpecHasNoProblems(String yaml) {
    assertEquals(List.of(), Validator.problems(spec(yaml)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {vrid: 0} | spec.vrid: 0 is not a VRID: use 1 to 255
          {vrid: 256} | spec.vrid: 256 is not a VRID: use 1 to 255
          {vrid: null} | spec.vrid: is missing: use a number from 1 to 255 that no other router \
          uses here; only in a cluster the operator allocates one
          {vrrpVersion: 4} | spec.vrrpVersion: 4 is not a VRRP version: use 2 to 3
          {advertRepeat: 11} | spec.advertRepeat: 11 is not a number: use 1 to 10
          {advertRepeat: 3, advertInterval: 20ms} | spec.advertRepeat: makes an advert more often than every 10ms: use a lower number
          {priority: 0} | spec.priority: 0 is not a priority: use 1 to 255
          {interface: null} | spec.interface: is missing: name the NIC that carries the adverts, \
          as in eth0
          {interface: eth/0} | spec.interface: "eth/0" cannot name a NIC: use 1 to 127 characters \
          without blank, slash, colon, or a prefix such as \
          10.0.0.0/24
          {interface: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa} | spec.interface: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" cannot name a NIC: \
          use 1 to 127 characters without blank, slash, colon, or a prefix such as \
          10.0.0.0/24
          {vrrpVersion: 2, advertInterval: 500ms} | spec.advertInterval: 500ms is out of range: \
          use 1s to 255s with VRRPv2, or set vrrpVersion to 3
          {vrrpVersion: 2, advertInterval: 1.5s} | spec.advertInterval: VRRPv2 adverts have whole \
          seconds: use 1s to 255s, or set vrrpVersion to 3
          {advertInterval: 5ms} | spec.advertInterval: 5ms is out of range: use 10ms to 40950ms
          {advertInterval: 41s} | spec.advertInterval: 41s is out of range: use 10ms to 40950ms
          {advertInterval: 15ms} | spec.advertInterval: VRRPv3 adverts count in steps of 10ms: \
          round it to a multiple of 10ms
          {advertInterval: "1"} | spec.advertInterval: "1" is not a duration: write a number and \
          a unit (ms, s, m, h), as in 1s
          {preempt: {delay: 1001s}} | spec.preempt.delay: 1001s is out of range: use 0s to 1000s
          {authentication: {passwordSecretRef: {name: a, key: b}}} | spec.authentication: passwords exist in VRRPv2 only: set vrrpVersion to 2, or use hmac
          {authentication: {}} | spec.authentication: needs passwordSecretRef, hmac, or both
          {authentication: {hmac: {keysSecretRef: {name: a}}}} | spec.authentication.hmac.keysSecretRef: needs name and key of a Secret in virtualip's namespace
          {vrrpVersion: 2, authentication: {passwordSecretRef: {name: a}}} | spec.authentication.passwordSecretRef: needs name and key of a Secret in virtualip's namespace
          {addresses: []} | spec.addresses: is empty: give at least one address, as in 203.0.113.10/24
          {addresses: [{}]} | spec.addresses[0].address: is missing: give an address with prefix, as in 203.0.113.10/24
          {addresses: [{address: 203.0.113.10}]} | spec.addresses[0].address: "203.0.113.10" has no prefix length: write it as in 203.0.113.10/24
          {addresses: [{address: 203.0.113.10/33}]} | spec.addresses[0].address: "203.0.113.10/33" has a wrong prefix length: write /0 to /32 behind the address
          {addresses: [{address: 203.0.113/24}]} | spec.addresses[0].address: "203.0.113" is not an IPv4 address: write four numbers, as in 203.0.113.10
          {addresses: [{address: 224.0.0.18/24}]} | spec.addresses[0].address: 224.0.0.18/24 is a multicast address: use a unicast address
          {addresses: [{address: 127.0.0.5/8}]} | spec.addresses[0].address: 127.0.0.5/8 is a loopback address: use a unicast address
          {addresses: [{address: 0.0.0.0/24}]} | spec.addresses[0].address: 0.0.0.0/24 is an unspecified address: use a unicast address
          {addresses: [{address: 0.0.1.2/16}]} | spec.addresses[0].address: 0.0.1.2/16 is an unspecified address: use a unicast address
          {addresses: [{address: 240.0.0.1/24}]} | spec.addresses[0].address: 240.0.0.1/24 is reserved (240.0.0.0/4): use a unicast address
          {addresses: [{address: 255.255.255.255/32}]} | spec.addresses[0].address: 255.255.255.255/32 is reserved (240.0.0.0/4): use a unicast address
          {addresses: [{address: 203.0.113.0/24}]} | spec.addresses[0].address: 203.0.113.0/24 is the address of the network itself: use one from 203.0.113.1 to 203.0.113.254
          {addresses: [{address: 203.0.113.64/26}]} | spec.addresses[0].address: 203.0.113.64/26 is the address of the network itself: use one from 203.0.113.65 to 203.0.113.126
          {addresses: [{address: 203.0.113.255/24}]} | spec.addresses[0].address: 203.0.113.255/24 is the broadcast address of its network: use one from 203.0.113.1 to 203.0.113.254
          {addresses: [{address: 203.0.113.11/30}]} | spec.addresses[0].address: 203.0.113.11/30 is the broadcast address of its network: use one from 203.0.113.9 to 203.0.113.10
          {addresses: [{address: 203.0.113.10/7}]} | spec.addresses[0].address: 203.0.113.10/7 makes the kernel route all of 202.0.0.0/7 to this NIC: give the network's own prefix, /8 or longer
          {addresses: [{address: 203.0.113.10/0}]} | spec.addresses[0].address: 203.0.113.10/0 makes the kernel route all of 0.0.0.0/0 to this NIC: give the network's own prefix, /8 or longer
          {addresses: [{address: "2001:db8::10/15"}]} | spec.addresses[0].address: 2001:db8::10/15 makes the kernel route all of 2000::/15 to this NIC: give the network's own prefix, /16 or longer
          {addresses: [{address: "2001:db8::/64"}]} | spec.addresses[0].address: 2001:db8::/64 is the address of the network itself: use another one, as in 2001:db8::1
          {addresses: [{address: "::1/128"}]} | spec.addresses[0].address: ::1/128 is a loopback address: use a unicast address
          {addresses: [{address: "::/64"}]} | spec.addresses[0].address: ::/64 is an unspecified address: use a unicast address
          {addresses: [{address: 203.0.113.10/24, interface: "a b"}]} | spec.addresses[0].interface: "a b" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix such as 10.0.0.0/24
          {addresses: [{address: 10.0.0.1/24}, {address: 10.0.0.1/32}]} | spec.addresses[1].address: stands in the list twice: remove one
          {addresses: [{address: 2001:db8::10/129}]} | spec.addresses[0].address: "2001:db8::10/129" has a wrong prefix length: write /0 to /128 behind the address
          {addresses: [{address: "ff02::12/64"}]} | spec.addresses[0].address: ff02::12/64 is a multicast address: use a unicast address
          {addresses: [{address: 10.0.0.1/24}, {address: "2001:db8::10/64"}]} | spec.addresses: one advert lists IPv4 or IPv6 addresses, not both: set advertised: false on those of one family
          {addresses: [{address: 10.0.0.1/24, advertised: false}]} | spec.addresses: adverts need an address: leave advertised: false off one of them
          {vrrpVersion: 2, addresses: [{address: "2001:db8::10/64"}]} | spec.vrrpVersion: VRRPv2 has no IPv6: set it to 3, or advertised: false on IPv6 addresses
          {vrrpVersion: 2, rfc9568Checksum: true} | spec.rfc9568Checksum: is about VRRPv3: set vrrpVersion to 3, or remove it
          {addresses: [{address: "2001:db8::10/64"}], rfc9568Checksum: true} | spec.rfc9568Checksum: is about IPv4, IPv6 has one checksum only: remove it
          {vmacXmitBase: true} | spec.vmacXmitBase: is about virtualMac: set virtualMac to true, or remove it
          {virtualMac: true, addresses: [{address: 10.0.0.1/24, interface: eth1}]} | spec.virtualMac: a virtual MAC is on one NIC, that of the adverts: remove interface from the addresses
          {virtualMac: true, priority: 255, addresses: [{address: 10.0.0.1/24}]} | spec.virtualMac: the owner of an address (priority 255) has its NIC's MAC: use 254, or no virtualMac
          {virtualMac: true, addresses: [{address: 10.0.0.1/24}], nodes: {overrides: [{name: a, priority: 255}]}} | spec.virtualMac: the owner of an address (priority 255) has its NIC's MAC: use 254, or no virtualMac
          {transport: {peers: [10.0.0.12]}} | spec.transport.peers: peers are for unicast: set mode to Unicast, or remove them
          {heartbeats: [{}]} | spec.heartbeats[0].interface: is missing: name the NIC that carries adverts too
          {heartbeats: [{interface: a/b}]} | spec.heartbeats[0].interface: "a/b" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix such as 10.0.0.0/24
          {heartbeats: [{interface: eth2}, {interface: eth2}]} | spec.heartbeats[1].interface: eth2 stands in the list twice: remove one
          {heartbeats: [{interface: a}, {interface: b}, {interface: c}, {interface: d}, {interface: e}]} | spec.heartbeats: has more than 4 NICs: two or three are enough
          {heartbeats: [{interface: eth0, peers: [10.0.0.12]}]} | spec.heartbeats[0].peers: spec.transport says how adverts go on spec.interface: remove the peers of that NIC
          {heartbeats: [{interface: eth2, peers: [fe80::1]}]} | spec.heartbeats[0].peers[0]: adverts are IPv4: give the peer's address of that family
          {transport: {minTtl: 254}} | spec.transport.minTtl: minTtl is for unicast: set mode to Unicast, or remove it
          {transport: {mode: Unicast, minTtl: 0}} | spec.transport.minTtl: 0 is not a TTL: use 1 to 255
          {maxLearnedInterval: 500ms} | spec.maxLearnedInterval: 500ms is out of range: use 1s to 40950ms
          {transport: {mode: Unicast, peers: [10.0.0.12, node-b]}} | spec.transport.peers[1]: "node-b" is not an IPv4 address: write four numbers, as in 203.0.113.10
          {transport: {mode: Unicast, peers: ["2001:db8::1"]}} | spec.transport.peers[0]: adverts are IPv4: give the peer's address of that family
          {transport: {mode: Unicast, peers: [224.0.0.18]}} | spec.transport.peers[0]: 224.0.0.18 is a multicast address: give the address of a node
          {transport: {mode: Unicast, peers: [127.0.0.1]}} | spec.transport.peers[0]: 127.0.0.1 is a loopback address: give the address of a node
          {transport: {mode: Unicast, peers: [255.255.255.255]}} | spec.transport.peers[0]: 255.255.255.255 is reserved (240.0.0.0/4): give the address of a node
          {transport: {mode: Unicast, peers: [203.0.113.10]}} | spec.transport.peers[0]: 203.0.113.10 is a virtual address: give the node's own
          {transport: {mode: Unicast, peers: [10.0.0.12, 10.0.0.12]}} | spec.transport.peers[1]: stands in the list twice: remove one
          {advertInterval: 500ms, lease: {policy: Exclusive}} | spec.lease.policy: the kernel ends leases within a second, so Exclusive needs an advertInterval of 1s or more: use that, or Overlap
          {garp: {repeat: 0}} | spec.garp.repeat: 0 is not a number of announcements: use 1 to 100
          {garp: {delay: 61m}} | spec.garp.delay: 61m is out of range: use 0s to 1h
          {garp: {refresh: 500ms}} | spec.garp.refresh: 500ms is too often: use 1s to 24h, or 0s for never
          {trackInterfaces: [{}]} | spec.trackInterfaces[0].name: is missing: name the NIC to track
          {trackInterfaces: [{name: a/b}]} | spec.trackInterfaces[0].name: "a/b" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix such as 10.0.0.0/24
          {trackInterfaces: [{name: a, reverse: true}]} | spec.trackInterfaces[0].reverse: turns a weight round: set a weight, or remove it
          {trackInterfaces: [{name: a, weight: 254}]} | spec.trackInterfaces[0].weight: 254 is not a weight: use -253 to 253
          {trackInterfaces: [{name: a}, {name: a}]} | spec.trackInterfaces[1].name: a is tracked already: remove one
          {detection: {bfd: {interval: 9ms}}} | spec.detection.bfd.interval: 9ms is out of range: use 10ms to 1s
          {detection: {bfd: {interval: fast}}} | spec.detection.bfd.interval: "fast" is not a duration: write a number and a unit (ms, s, m, h), as in 1s
          {detection: {bfd: {multiplier: 1}}} | spec.detection.bfd.multiplier: 1 is not a multiplier: use 2 to 20
          {detection: {bfd: {peers: [{}]}}} | spec.detection.bfd.peers[0].address: is missing: give the address of a router
          {detection: {bfd: {peers: [{address: 224.0.0.18}]}}} | spec.detection.bfd.peers[0].address: 224.0.0.18 is a multicast address: give the address of a router
          {detection: {bfd: {peers: [{address: 10.0.0.1}, {address: 10.0.0.1}]}}} | spec.detection.bfd.peers[1].address: 10.0.0.1 is tracked already: remove one
          {detection: {bfd: {peers: [{address: 10.0.0.1, interface: a/b}]}}} | spec.detection.bfd.peers[0].interface: "a/b" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix such as 10.0.0.0/24
          {detection: {bfd: {peers: [{address: 10.0.0.1, weight: 254}]}}} | spec.detection.bfd.peers[0].weight: 254 is not a weight: use -253 to 253
          {detection: {bfd: {peers: [{address: 10.0.0.1, reverse: true}]}}} | spec.detection.bfd.peers[0].reverse: turns a weight round: set a weight, or remove it
          {linkDebounce: 2s} | spec.linkDebounce: 2s is no less than two advert intervals: a peer would take over before it counts; use a shorter one
          {linkDownDelay: 2s} | spec.linkDownDelay: 2s is no less than two advert intervals: a peer would take over before it counts; use a shorter one
          {linkUpDelay: 61m} | spec.linkUpDelay: 61m is out of range: use 0s to 1h
          {linkUpDelay: soon} | spec.linkUpDelay: "soon" is not a duration: write a number and a unit (ms, s, m, h), as in 1s
          {delayAfterBoot: 61m} | spec.delayAfterBoot: 61m is out of range: use 0s to 1h
          {syncGroup: Edge} | spec.syncGroup: use 1 to 63 of a-z, 0-9 and -, as in edge
          {routes: [{to: default, via: "fe80::1", source: 10.0.0.1}]} | spec.routes[0].source: 10.0.0.1 is not of the route's family: use IPv6
          {routes: [{to: 10.0.0.0/8, via: "fe80::1"}]} | spec.routes[0].via: fe80::1 is not of the route's family: use IPv4
          {routes: [{via: 10.0.0.1}]} | spec.routes[0].to: is missing: write default, or a prefix as in 10.0.0.0/8
          {routes: [{to: default}]} | spec.routes[0].via: is missing: a default route needs its gateway
          {routes: [{to: 10.0.0.1/8}]} | spec.routes[0].to: has bits set behind the prefix: write 10.0.0.0/8
          {routes: [{to: 10.0.0.0/8, via: gw}]} | spec.routes[0].via: "gw" is not an IPv4 address: write four numbers, as in 203.0.113.10
          {routes: [{to: default, via: 224.0.0.1}]} | spec.routes[0].via: 224.0.0.1 is a multicast address: give an address of a router
          {routes: [{to: default, via: 0.0.0.0}]} | spec.routes[0].via: 0.0.0.0 is an unspecified address: give an address of a router
          {routes: [{to: default, via: 203.0.113.10}]} | spec.routes[0].via: 203.0.113.10 is a virtual address: give the router's own
          {routes: [{to: default, via: 203.0.113.0}]} | spec.routes[0].via: 203.0.113.0 is the address of the network itself: use one from 203.0.113.1 to 203.0.113.254
          {routes: [{to: default, via: 203.0.113.255}]} | spec.routes[0].via: 203.0.113.255 is the broadcast address of its network: use one from 203.0.113.1 to 203.0.113.254
          {routes: [{to: 10.0.0.0/8, source: 127.0.0.1}]} | spec.routes[0].source: 127.0.0.1 is a loopback address: give an address of the node
          {routes: [{to: 10.0.0.0/8, table: 0}]} | spec.routes[0].table: 0 is not a routing table: use 1 to 4294967295
          {rules: [{table: 100, priority: 9}]} | spec.rules[0]: needs from or to: without either it catches every packet
          {rules: [{from: 0.0.0.0/0, table: 100, priority: 9}]} | spec.rules[0].from: 0.0.0.0/0 is every address: leave it out, or give a smaller prefix
          {rules: [{from: 203.0.113.10/24, table: 100, priority: 9}]} | spec.rules[0].from: has bits set behind the prefix: write 203.0.113.0/24, or 203.0.113.10 for the one address
          {rules: [{to: vip, table: 100, priority: 9}]} | spec.rules[0].to: "vip" is not an IPv4 address: write four numbers, as in 203.0.113.10
          {rules: [{from: 10.0.0.1, to: "2001:db8::/32", table: 100, priority: 9}]} | spec.rules[0]: from and to are of different families: use IPv4 or IPv6 for both
          {rules: [{from: 10.0.0.1, priority: 9}]} | spec.rules[0].table: is missing: give the routing table to ask, as in 100
          {rules: [{from: 10.0.0.1, table: 0, priority: 9}]} | spec.rules[0].table: 0 is not a routing table: use 1 to 4294967295
          {rules: [{from: 10.0.0.1, table: 255, priority: 9}]} | spec.rules[0].table: every packet asks table 255 (local) first anyway: use another table
          {rules: [{from: 10.0.0.1, table: 100}]} | spec.rules[0].priority: is missing: use 1 to 32765; rules are asked from the lowest up, and ip rule shows what the node has
          {rules: [{from: 10.0.0.1, table: 100, priority: 0}]} | spec.rules[0].priority: 0 is not a rule priority: use 1 to 32765
          {rules: [{from: 10.0.0.1, table: 100, priority: 32766}]} | spec.rules[0].priority: 32766 is not a rule priority: use 1 to 32765
          {rules: [{from: 10.0.0.1, table: 1, priority: 9}, {to: 10.0.0.2, table: 2, priority: 9}]} | spec.rules[1]: rules[0] is for the same packets at the same priority 9: change one of the two priorities, or remove one
          {nodes: {overrides: [{priority: 1}]}} | spec.nodes.overrides[0].name: is missing: name the node that is different
          {nodes: {overrides: [{name: a}, {name: a}]}} | spec.nodes.overrides[1].name: a has an entry already: merge the two
          {nodes: {overrides: [{name: a, priority: 256}]}} | spec.nodes.overrides[0].priority: 256 is not a priority: use 1 to 255
          {nodes: {selector: {matchLabels: {edge: null}}}} | spec.nodes.selector.matchLabels.edge: has no value: write "" for an empty one
          {nodes: {selector: {matchExpressions: [{key: a}]}}} | spec.nodes.selector.matchExpressions[0]: needs a key and an operator: In, NotIn, Exists or DoesNotExist
          {nodes: {selector: {matchExpressions: [{key: a, operator: In}]}}} | spec.nodes.selector.matchExpressions[0].values: In needs at least one value
          {nodes: {selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}} | spec.nodes.selector.matchExpressions[0].values: Exists takes no values: remove them
          {healthChecks: [{http: {}}]} | spec.healthChecks[0].name: is missing: give the check a short name, as in ingress
          {healthChecks: [{name: A b, http: {}}]} | spec.healthChecks[0].name: "A b" is no name: use 1 to 63 of a-z, 0-9 and -
          {healthChecks: [{name: a, http: {}}, {name: a, http: {}}]} | spec.healthChecks[1].name: two checks are called a: rename one
          {healthChecks: [{name: a}]} | spec.healthChecks[0]: a health check has exactly one kind: set one of http, tcp, udp, dns, smtp, ping, pod, exec, process
          {healthChecks: [{name: a, http: {}, tcp: {port: 1}}]} | spec.healthChecks[0]: a health check has exactly one kind: set one of http, tcp, udp, dns, smtp, ping, pod, exec, process
          {healthChecks: [{name: a, http: {host: 169.254.169.254, bodyContains: x}}]} | spec.healthChecks[0].http.host: 169.254.169.254 is of those where clouds tell a machine its credentials (link-local): check another
          {healthChecks: [{name: a, tcp: {port: 80, host: 'fd00:ec2::254'}}]} | spec.healthChecks[0].tcp.host: fd00:ec2::254 is of those where clouds tell a machine its credentials (link-local): check another
          {healthChecks: [{name: a, http: {host: 'fe80::1'}}]} | spec.healthChecks[0].http.host: fe80::1 is of those where clouds tell a machine its credentials (link-local): check another
          {healthChecks: [{name: a, ping: {host: 169.254.169.254}}]} | spec.healthChecks[0].ping.host: 169.254.169.254 is of those where clouds tell a machine its credentials (link-local): check another
          {healthChecks: [{name: a, http: {host: localhost}}]} | spec.healthChecks[0].http.host: "localhost" is not an IPv4 address: write four numbers, as in 203.0.113.10
          {healthChecks: [{name: a, tcp: {host: "1:2", port: 1}}]} | spec.healthChecks[0].tcp.host: "1:2" is not an IPv6 address: write it as in 2001:db8::10
          {healthChecks: [{name: a, http: {port: 65536}}]} | spec.healthChecks[0].http.port: 65536 is not a TCP port: use 1 to 65535
          {healthChecks: [{name: a, http: {path: healthz}}]} | spec.healthChecks[0].http.path: is no path: start it with a slash and write other than plain characters as in %20
          {healthChecks: [{name: a, http: {path: "/a{b"}}]} | spec.healthChecks[0].http.path: is no path: start it with a slash and write other than plain characters as in %20
          {healthChecks: [{name: a, http: {hostHeader: "a b"}}]} | spec.healthChecks[0].http.hostHeader: is no host: write a name, and if need be a port behind a colon
          {healthChecks: [{name: a, http: {statuses: "200-"}}]} | spec.healthChecks[0].http.statuses: write statuses of 100 to 599, as in 200, 200-399 or 200-299,401
          {healthChecks: [{name: a, http: {statuses: "399-200"}}]} | spec.healthChecks[0].http.statuses: no status is a success: write ranges upwards, as in 200-399
          {healthChecks: [{name: a, http: {path: "/a#b"}}]} | spec.healthChecks[0].http.path: is no path: start it with a slash and write other than plain characters as in %20
          {healthChecks: [{name: a, http: {bodyContains: ""}}]} | spec.healthChecks[0].http.bodyContains: is empty: write what the body has to contain, or remove it
          {healthChecks: [{name: a, http: {tls: {}}}]} | spec.healthChecks[0].http.tls: tls is for HTTPS: set scheme to HTTPS, or remove tls
          {healthChecks: [{name: a, http: {scheme: HTTPS, tls: {verify: true, ca: "x"}}}]} | spec.healthChecks[0].http.tls.ca: is no certificate: write PEM, from -----BEGIN CERTIFICATE----- to its end
          {healthChecks: [{name: a, exec: {}}]} | spec.healthChecks[0].exec.command: needs a program below the scripts directory, and arguments
          {healthChecks: [{name: a, exec: {command: [a, null]}}]} | spec.healthChecks[0].exec.command: has an empty item: remove it, or write ""
          {healthChecks: [{name: a, process: {name: /usr/sbin/nginx}}]} | spec.healthChecks[0].process.name: is no name of a process: write it without path, as in nginx
          {dns: {ttl: 60}} | spec.dns.hostnames: give 1 to 32 names, as in www.example.com
          {dns: {hostnames: [a.b], ttl: 0}} | spec.dns.ttl: 0 is not a number of seconds: use 1 to 86400
          {dns: {hostnames: [www]}} | spec.dns.hostnames[0]: "www" is no name: write it in full and in small letters, as in www.example.com
          {whenAllFail: KeepMaster, priority: 1} | spec.priority: with whenAllFail KeepMaster priority 1 means failed checks: use 2 or more
          {whenAllFail: KeepMaster, nodes: {overrides: [{name: a, priority: 1}]}} | spec.nodes.overrides[0].priority: with whenAllFail KeepMaster priority 1 means failed checks: use 2 or more
          {healthChecks: [{name: a, tcp: {}}]} | spec.healthChecks[0].tcp.port: is missing: give the TCP port to ask at
          {healthChecks: [{name: a, udp: {}}]} | spec.healthChecks[0].udp.port: is missing: give the UDP port to ask at
          {healthChecks: [{name: a, udp: {port: 1, payload: 0a0}}]} | spec.healthChecks[0].udp.payload: write bytes of two hexadecimal digits, as in "0a ff"
          {healthChecks: [{name: a, udp: {port: 1, payload: 0x}}]} | spec.healthChecks[0].udp.payload: write bytes of two hexadecimal digits, as in "0a ff"
          {healthChecks: [{name: a, udp: {port: 1, reply: hi}}]} | spec.healthChecks[0].udp.reply: write bytes of two hexadecimal digits, as in "0a fx", where an x is any digit
          {healthChecks: [{name: a, udp: {port: 1, reply: ff, requireReply: false}}]} | spec.healthChecks[0].udp.reply: reply is about an answer: set requireReply to true, or remove reply
          {healthChecks: [{name: a, dns: {name: a..b}}]} | spec.healthChecks[0].dns.name: is no DNS name: write labels with dots, as in www.example.com, or "."
          {healthChecks: [{name: a, dns: {port: 0}}]} | spec.healthChecks[0].dns.port: 0 is not a UDP port: use 1 to 65535
          {healthChecks: [{name: a, smtp: {helo: "a b"}}]} | spec.healthChecks[0].smtp.helo: is no name to say HELO with: write one as in lb.example.com
          {healthChecks: [{name: a, ping: {}}]} | spec.healthChecks[0].ping.host: is missing, and the node answers itself always: give a host, as a router's address
          {healthChecks: [{name: a, exec: {command: [a], weightByExitCode: true}}]} | spec.healthChecks[0].exec.weightByExitCode: weightByExitCode is for checks of real servers: remove it, or see weight
          {healthChecks: [{name: a, http: {}, retryInterval: 1s}]} | spec.healthChecks[0].retryInterval: the first failure counts already: set fall to 2 or more, or remove retryInterval
          {healthChecks: [{name: a, http: {}, fall: 2, retryInterval: 10ms}]} | spec.healthChecks[0].retryInterval: 10ms is out of range: use 50ms to 1h
          {healthChecks: [{name: a, smtp: {}, watch: true}]} | spec.healthChecks[0].watch: only http, tcp, pod and process checks can watch what they look at: remove watch
          {healthChecks: [{name: a, http: {}, interval: 40ms}]} | spec.healthChecks[0].interval: 40ms is out of range: use 50ms to 1h
          {healthChecks: [{name: a, http: {}, timeout: 9ms}]} | spec.healthChecks[0].timeout: 9ms is out of range: use 10ms to 1h
          {healthChecks: [{name: a, http: {}, rise: 0}]} | spec.healthChecks[0].rise: 0 is not a rise: use 1 to 1000
          {healthChecks: [{name: a, http: {}, weight: 254}]} | spec.healthChecks[0].weight: 254 is not a weight: use -253 to 253
          {healthChecks: [{name: a, pod: {namespace: n}}]} | spec.healthChecks[0].pod.selector: is missing: give labels that the pods have
          """)
  void aBadSpecHasOneProblemThatNamesFieldAndFix(String yaml, String problem) {
    assertEquals(
        List.of(problem), Validator.problems(spec(yaml)).stream().map(Problem::toString).toList());
  }

  @ParameterizedTest
  @CsvSource({"255, 45, 0", "256, 0, 1", "255, 769, 0", "1, 1024, 1"})
  void anAdvertListsAtMost255Addresses(int advertised, int excluded, int problems) {
    var addresses =
        IntStream.range(0, advertised + excluded)
            .mapToObj(
                i ->
                    "{address: 10.0.%d.%d/32, advertised: %s}"
                        .formatted(i / 256, i % 256, i < advertised))
            .toList();
    assertEquals(problems, Validator.problems(spec("{addresses: " + addresses + "}")).size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          64  | rules: LIST | {from: 10.0.0.1, table: 100, priority: %d}
          255 | routes: LIST | {to: 10.0.0.0/8, table: %d}
          255 | nodes: {overrides: LIST} | {name: node-%d}
          32  | trackInterfaces: LIST | {name: eth%d}
          16  | detection: {bfd: {peers: LIST}} | {address: 10.0.0.%d}
          32  | healthChecks: LIST | {name: check-%d, tcp: {port: 80}}
          """)
  void aListHasItsLimit(int max, String field, String item) {
    for (int problems = 0; problems <= 1; problems++) {
      var list = IntStream.rangeClosed(1, max + problems).mapToObj(item::formatted).toList();
      var spec = "{" + field.replace("LIST", list.toString()) + "}";
      assertEquals(problems, Validator.problems(spec(spec)).size(), spec);
    }
  }

  @Test
  void allProblemsAreNamedAtOnce() {
    assertEquals(3, Validator.problems(spec("{vrid: 0, interface: '', priority: 0}")).size());
  }

  @Test
  void aMissingSpecIsAProblem() {
    assertEquals("spec", Validator.problems(null).getFirst().path());
  }

  @Test
  void nullsInListsAreProblemsAndNoCrash() {
    var spec =
        spec(
            "{addresses: [null], routes: [null], rules: [null], healthChecks: [null], nodes: {overrides: [null],"
                + " selector: {matchExpressions: [null]}}}");
    assertEquals(6, Validator.problems(spec).size());
  }
}
