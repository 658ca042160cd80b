package dev.virtualip.crds.values;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IpRangeTest {
  @ParameterizedTest
  @CsvSource({
    "203.0.113.0/28, 203.0.113.15, true",
    "203.0.113.0/28, 203.0.113.16, false",
    "203.0.113.0/28, 2001:db8::1, false",
    "203.0.113.10-203.0.114.2, 203.0.113.255, true",
    "203.0.113.10-203.0.114.2, 203.0.113.9, false",
    "203.0.113.10, 203.0.113.10, true",
    "203.0.113.10, 203.0.113.11, false",
    "192.0.2.0-223.255.255.255, 203.0.113.1, true",
    "2001:db8::/64, 2001:db8::ffff:ffff:ffff:ffff, true",
    "2001:db8::/64, 2001:db8:0:1::, false",
    "2001:db8::10-2001:db8::1f, 2001:db8::20, false"
  })
  void itHasTheAddressesBetweenItsEnds(String range, String address, boolean inside) {
    assertEquals(inside, IpRange.parse(range).contains(IpPrefix.parseAddress(address)));
  }

  @ParameterizedTest
  @CsvSource({
    "203.0.113.0/28, 203.0.113.4/30, true",
    "203.0.113.0/28, 203.0.113.0/27, false",
    "203.0.113.0/28, 0.0.0.0/0, false",
    "203.0.113.10-203.0.113.11, 203.0.113.11/32, true"
  })
  void aPrefixIsInsideWithAllItsAddresses(String range, String prefix, boolean inside) {
    assertEquals(inside, IpRange.parse(range).contains(IpPrefix.parse(prefix)));
  }

  @ParameterizedTest
  @CsvSource({
    "203.0.113.1/28, write 203.0.113.0/28",
    "203.0.113.9-203.0.113.1, the lower address first",
    "203.0.113.9-2001:db8::1, of one family",
    "203.0.113.9-, is not an IPv4 address",
    "web, is not an IPv4 address"
  })
  void whatIsNoRangeIsRefusedWithTheFix(String text, String fix) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> IpRange.parse(text));
    assertTrue(refusal.getMessage().contains(fix), refusal.getMessage());
  }
}
