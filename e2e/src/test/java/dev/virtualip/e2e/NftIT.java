package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.agent.linux.Nft;
import dev.virtualip.agent.net.NatPort.Table;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** nftables of the kernel, in a network namespace that is the lab's own, beside Debian's nft. */
@InLab
@Timeout(value = 120, unit = SECONDS)
class NftIT {
  private static final Duration LEASE = Duration.ofSeconds(60);
  private static final SourceNat FOUR =
      new SourceNat(
          "web",
          "eth1",
          InetAddress.ofLiteral("203.0.113.10"),
          List.of(IpPrefix.parse("10.244.0.0/16")),
          List.of(IpPrefix.parse("10.7.16.0/20"), IpPrefix.parse("10.8.0.1/32")),
          Set.of(InetAddress.ofLiteral("10.244.0.5")));
  private static final SourceNat SIX =
      new SourceNat(
          "web",
          "eth2",
          InetAddress.ofLiteral("2001:db8::10"),
          List.of(IpPrefix.parse("fd00:244::/48")),
          List.of(),
          Set.of(InetAddress.ofLiteral("fd00:244::5")));

  private Lab lab;
  private Host here;
  private Nft nft;

  @BeforeEach
  void open() {
    lab = Lab.open();
    here = lab.control();
    nft = new Nft();
  }

  @AfterEach
  void close() throws IOException {
    for (var table : nft.tables().keySet()) {
      nft.delete(table);
    }
    nft.close();
    lab.close();
  }

  private void needsProgram() {
    assumeTrue(here.succeeds("sh", "-c", "command -v nft"), "SKIPPED: needs Debian's nftables");
  }

  private String show(String family) {
    needsProgram();
    return here.run("nft", "list", "table", family, "virtualip-web");
  }

  private static List<String> lines(String text) {
    return Arrays.stream(text.split("\n")).map(String::strip).filter(l -> !l.isEmpty()).toList();
  }

  @Test
  void whatIsPutIsThereOnceAndCanBeRemoved() throws IOException {
    nft.put(FOUR, LEASE);
    nft.put(SIX, LEASE);
    nft.put(FOUR, LEASE);
    var all = Map.of(Table.of(FOUR), nft.rules(FOUR), Table.of(SIX), nft.rules(SIX));
    assertEquals(all, nft.tables());
    nft.delete(Table.of(FOUR));
    assertEquals(Set.of(Table.of(SIX)), nft.tables().keySet());
  }

  @Test
  void nftShowsWhatIsMeant() throws IOException {
    nft.put(FOUR, LEASE);
    nft.put(SIX, LEASE);
    assertEquals(
        lines(
            """
            table ip virtualip-web {
            set held {
            type ifname
            flags timeout
            elements = { "eth1" timeout 1m expires X }
            }
            set pods {
            type ipv4_addr
            elements = { 10.244.0.5 }
            }
            chain postrouting {
            type nat hook postrouting priority srcnat - 1; policy accept;
            oifname != @held return
            fib saddr type local return
            ip daddr 10.244.0.0/16 return
            ip saddr @pods snat to 203.0.113.10
            ip saddr 10.7.16.0/20 snat to 203.0.113.10
            ip saddr 10.8.0.1 snat to 203.0.113.10
            }
            }
            """),
        lines(show("ip").replaceAll("expires \\S+", "expires X")));
    assertEquals(
        List.of(
            "oifname != @held return",
            "fib saddr type local return",
            "ip6 daddr fd00:244::/48 return",
            "ip6 saddr @pods snat to 2001:db8::10"),
        lines(show("ip6")).stream().filter(l -> l.matches(".* (return|snat to .*)")).toList());
  }

  @Test
  void aLeaseEndsUnlessItIsRenewed() throws IOException {
    nft.put(FOUR, LEASE);
    assertTrue(show("ip").contains("eth1"));
    nft.renew(FOUR, Duration.ofMillis(100));
    Await.until("the lease has ended", Duration.ofSeconds(30), () -> !show("ip").contains("eth1"));
    nft.renew(FOUR, LEASE);
    assertTrue(show("ip").contains("eth1"));
  }

  @Test
  void asManyPodsAsItTakesAreThereAndMoreAreRefused() throws IOException {
    nft.put(withPods(4096), LEASE);
    assertEquals(1, nft.tables().size());
    var refused = assertThrows(IOException.class, () -> nft.put(withPods(4097), LEASE));
    assertTrue(refused.getMessage().startsWith("4097 pods are more than 4096"));
  }

  /** With the longest name and most rules. */
  private static SourceNat withPods(int count) {
    var pods =
        IntStream.range(0, count)
            .mapToObj(i -> InetAddress.ofLiteral("fd00:244::" + Integer.toHexString(i + 1)))
            .collect(Collectors.toSet());
    var prefixes =
        IntStream.range(0, 64)
            .mapToObj(i -> IpPrefix.parse("fd00:%x::/32".formatted(0x300 + i)))
            .toList();
    return new SourceNat("a".repeat(253), "eth1", SIX.address(), prefixes, prefixes, pods);
  }

  @Test
  void whatIsNotThereCannotBeRenewedOrRemoved() {
    assertThrows(IOException.class, () -> nft.renew(FOUR, LEASE));
    assertThrows(IOException.class, () -> nft.delete(Table.of(FOUR)));
  }

  @Test
  void tablesOfOthersAreNotItsOwn() throws IOException {
    needsProgram();
    here.run("nft", "add", "table", "ip", "nat");
    nft.put(FOUR, LEASE);
    assertEquals(Set.of(Table.of(FOUR)), nft.tables().keySet());
    here.run("nft", "flush", "table", "ip", "virtualip-web");
    assertEquals(Map.of(Table.of(FOUR), 0), nft.tables());
    here.run("nft", "delete", "table", "ip", "nat");
  }
}
