package dev.virtualip.crds.values;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyRuleTest {
  @Test
  void anAddressStandsForItselfAlone() {
    assertEquals(IpPrefix.parse("203.0.113.10/32"), PolicyRule.prefix("203.0.113.10"));
    assertEquals(IpPrefix.parse("2001:db8::1/128"), PolicyRule.prefix("2001:db8::1"));
    assertEquals(IpPrefix.parse("10.0.0.0/8"), PolicyRule.prefix("10.0.0.0/8"));
  }

  @Test
  void aRuleForEverythingCannotBe() {
    assertThrows(IllegalArgumentException.class, () -> new PolicyRule(null, null, 100, 9));
  }

  /** Each rule: from, to, table, priority; a dash for any. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          10.0.0.1 - 100 9            | 10.0.0.1 - 100 9            | true
          10.0.0.1 - 100 9            | 10.0.0.1 - 200 9            | true
          10.0.0.1 - 100 9            | 10.0.0.1 - 100 8            | false
          10.0.0.1 - 100 9            | 10.0.0.2 - 200 9            | false
          10.0.0.0/8 - 100 9          | 10.0.0.2 - 200 9            | true
          10.0.0.0/8 - 100 9          | 10.0.0.2 - 100 9            | true
          10.0.0.1 - 100 9            | 10.0.0.1 10.9.0.0/16 100 9  | true
          10.0.0.1 - 100 9            | - 10.0.0.1 100 9            | false
          10.0.0.1 - 100 9            | - 10.0.0.1 200 9            | true
          10.0.0.1 10.8.0.0/16 100 9  | 10.0.0.1 10.9.0.0/16 200 9  | false
          2001:db8::1 - 100 9         | 10.0.0.1 - 200 9            | false
          2001:db8::1 - 100 9         | 2001:db8::/32 - 200 9       | true
          """)
  void rulesClashIfTheirOrderMattersOrOneIsPartOfTheOther(String a, String b, boolean clash) {
    assertEquals(clash, rule(a).clashesWith(rule(b)));
    assertEquals(clash, rule(b).clashesWith(rule(a)));
  }

  private static PolicyRule rule(String text) {
    var part = text.split(" ");
    return new PolicyRule(
        part[0].equals("-") ? null : PolicyRule.prefix(part[0]),
        part[1].equals("-") ? null : PolicyRule.prefix(part[1]),
        Long.parseLong(part[2]),
        Long.parseLong(part[3]));
  }
}
