package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NotificationRulesTest {
  private static VirtualIpSpec with(String notifications) {
    return spec("{notifications: " + notifications + "}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{exec: {command: [/etc/virtualip/scripts/send_msg.sh]}}",
        "{exec: {command: [send_msg.sh, \"\"], timeout: 10m, states: [Master, Fault]}}",
        "{email: {from: a@b, to: [c@d.example], smtp: {host: 10.0.0.1}}}",
        "{email: {from: a@b, to: [c@d], routerId: LVS_DEVEL, smtp: {host: '::1', port: 587,"
            + " connectTimeout: 1s, helo: node-a.example.com, tls: StartTLS,"
            + " credentialsSecretRef: {name: mail}}}}",
        "{webhook: {url: 'http://10.0.0.1:8080/hook?a=b'}}",
        "{webhook: {urlSecretRef: {name: slack, key: url}, format: Slack}}",
        "{webhook: {url: 'https://sms.example/v1', format: Custom, contentType: text/plain,"
            + " body: '${name} is ${state}, $1 {}', headers: [{name: Authorization,"
            + " valueSecretRef: {name: sms, key: auth}}, {name: X-From, value: vip}]}}",
      })
  void goodSettingsHaveNoProblems(String notifications) {
    assertEquals(List.of(), Validator.problems(with(notifications)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          exec: {} | exec.command: needs a program below the scripts directory, and arguments
          exec: {command: [a, null]} | exec.command: has an empty item: remove it, or write ""
          exec: {command: [a], timeout: 11m} | exec.timeout: 11m is out of range: use 1s to 10m
          exec: {command: [a], states: [null]} | exec.states: has an empty item: remove it
          email: {to: [a@b], smtp: {host: h}} | email.from: is no mail address: write one without \
          name and blanks, as in ops@example.com
          email: {from: a@b, smtp: {host: h}} | email.to: is empty: give at least one address, as \
          in ops@example.com
          email: {from: a@b, to: ["a@b\\nBcc: c@d"], smtp: {host: h}} | email.to[0]: is no mail \
          address: write one without name and blanks, as in ops@example.com
          email: {from: a@b, to: [a@b], routerId: "a\\nb", smtp: {host: h}} | email.routerId: use 1 \
          to 64 characters on one line, as in LVS_DEVEL
          email: {from: a@b, to: [a@b]} | email.smtp: is missing: name the server that takes the \
          mail, as in {host: mail}
          email: {from: a@b, to: [a@b], smtp: {}} | email.smtp.host: is no host: write the server's \
          name or address
          email: {from: a@b, to: [a@b], smtp: {host: h, port: 0}} | email.smtp.port: 0 is not a TCP \
          port: use 1 to 65535
          email: {from: a@b, to: [a@b], smtp: {host: h, connectTimeout: 6m}} | \
          email.smtp.connectTimeout: 6m is out of range: use 1s to 5m
          email: {from: a@b, to: [a@b], smtp: {host: h, credentialsSecretRef: {name: s}}} | \
          email.smtp.credentialsSecretRef: credentials would cross the network readable: set tls to \
          StartTLS or Implicit, or remove it
          email: {from: a@b, to: [a@b], smtp: {host: h, tls: StartTLS, ca: x}} | email.smtp.ca: is no \
          certificate: write PEM, from -----BEGIN CERTIFICATE----- to its end
          webhook: {} | webhook: a webhook has one URL: set url, or urlSecretRef if the URL itself is \
          a secret
          webhook: {url: "ftp://a/b"} | webhook.url: is no URL to post to: write one as in \
          https://example.com/hook
          webhook: {url: "http://u:p@a/b"} | webhook.url: has a password in it, which is not sent: \
          use a header Authorization instead
          webhook: {url: "http://a/b c"} | webhook.url: is no URL to post to: Illegal character in \
          path at character 11
          webhook: {url: "http://a", urlSecretRef: {name: a}} | webhook: a webhook has one URL: set \
          url, or urlSecretRef if the URL itself is a secret; webhook.urlSecretRef: needs name and \
          key of a Secret in virtualip's namespace
          webhook: {url: "http://a", format: Custom} | webhook.body: body and format Custom go \
          together: set both, or none of them
          webhook: {url: "http://a", contentType: a/b} | webhook.contentType: is about body: set \
          body, or remove it
          webhook: {url: "http://a", format: Custom, body: "${nmae}"} | webhook.body: nothing is \
          called ${nmae}: there are name, type, state, previous, priority, node, reason, addresses, \
          time, text
          webhook: {url: "http://a", headers: [{name: Host, value: b}]} | webhook.headers[0].name: \
          Host is written by the agent: remove it
          webhook: {url: "http://a", headers: [{name: a, value: b}, {name: A, value: b}]} | \
          webhook.headers[1].name: A stands in the list twice: remove one
          webhook: {url: "http://a", headers: [{name: a}]} | webhook.headers[0]: a header has one \
          value: set value, or valueSecretRef if it is a secret
          webhook: {url: "http://a", headers: [{name: a, value: "b\\nc: d"}]} | \
          webhook.headers[0].value: has control characters: write it on one line
          webhook: {url: "http://a", timeout: 500ms} | webhook.timeout: 500ms is out of range: use \
          1s to 1m
          """)
  void aBadSettingIsNamedWithTheFix(String notifications, String problems) {
    assertEquals(
        problems,
        String.join(
            "; ",
            Validator.problems(with("{" + notifications + "}")).stream()
                .map(problem -> problem.toString().replace("spec.notifications.", ""))
                .toList()));
  }

  @Test
  void allSecretsAreKnown() {
    var notifications =
        with("{email: {smtp: {credentialsSecretRef: {name: mail}}}, webhook: {urlSecretRef:"
                + " {name: hook, key: url}, headers: [{valueSecretRef: {name: hook, key: auth}}]}}")
            .notifications();
    assertEquals(
        List.of(
            new SecretKey("mail", "username"),
            new SecretKey("mail", "password"),
            new SecretKey("hook", "url"),
            new SecretKey("hook", "auth")),
        notifications.secretKeys());
    assertEquals(List.of(), Notifications.NONE.secretKeys());
  }

  @Test
  void aSecretUrlIsNotRepeated() {
    assertNull(Notifications.urlProblem("https://hooks.slack.com/services/T0/B0/x"));
    assertFalse(Notifications.urlProblem("https://a/s3 cret").contains("cret"));
  }
}
