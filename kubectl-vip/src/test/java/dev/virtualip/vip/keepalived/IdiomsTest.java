package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Command lines of check scripts, and what they ask. */
class IdiomsTest {
  private static final Directive FROM =
      new Directive(List.of("script"), null, new Place("a.conf", 1, 1), 1);

  private static Idioms.Check check(String command) {
    return new Idioms(FROM, null).of(command).orElseThrow(() -> new AssertionError(command));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      value = {
        "killall -0 haproxy => haproxy",
        "/usr/bin/killall -q -s 0 nginx => nginx",
        "pidof nginx => nginx",
        "/bin/pidof -s /usr/sbin/nginx => nginx",
        "pgrep -x nginx => nginx",
        "ps -C nginx --no-headers => nginx",
        "/bin/bash -c 'pidof nginx' => nginx",
        "sh -c \"killall -0 nginx || exit 1\" => nginx",
        "sudo timeout -k 1 5 pidof nginx >/dev/null 2>&1 => nginx",
        "systemctl is-active --quiet nginx.service => nginx",
      })
  void looksForAProcess(String command, String name) {
    assertEquals("process", check(command).kind());
    assertEquals("{name=" + name + "}", check(command).fields().plain().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      value = {
        "curl -f http://127.0.0.1/ => {}",
        "curl -sfo /dev/null -m 1 http://localhost:8080/healthz?x=1 => {port=8080, path=/healthz?x=1}",
        "curl --fail --silent --insecure https://192.0.2.1/ => {scheme=HTTPS, host=192.0.2.1}",
        "curl -fsS https://[2001:db8::1]:8443/ => {scheme=HTTPS, host=2001:db8::1, port=8443, tls={verify=true}}",
        "curl -sf -H 'Host: www.example.com' 127.0.0.1/x => {path=/x, hostHeader=www.example.com}",
        "curl -s 127.0.0.1 => {statuses=100-599}",
        "wget -q -O /dev/null http://127.0.0.1:81/ => {port=81}",
        "wget --spider -qT2 --tries=1 http://127.0.0.1/up => {path=/up}",
      })
  void asksForAPage(String command, String fields) {
    assertEquals("http", check(command).kind());
    assertEquals(fields, check(command).fields().plain().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      value = {
        "nc -z 127.0.0.1 5432 => tcp => {port=5432}",
        "nc -zv -w 2 192.0.2.7 443 => tcp => {host=192.0.2.7, port=443}",
        "</dev/tcp/127.0.0.1/80 => tcp => {port=80}",
        "bash -c 'echo > /dev/tcp/localhost/25' => tcp => {port=25}",
        "nslookup -type=mx example.com 192.0.2.53 => dns => {host=192.0.2.53, name=example.com, type=MX}",
        "dig +short @127.0.0.1 example.com SOA => dns => {name=example.com, type=SOA}",
        "ping -c 1 -W 2 192.0.2.1 => ping => {host=192.0.2.1}",
      })
  void asksOnTheNetwork(String command, String kind, String fields) {
    assertEquals(kind, check(command).kind());
    assertEquals(fields, check(command).fields().plain().toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/usr/local/bin/check.sh",
        "killall nginx",
        "pidof nginx haproxy",
        "pidof nginx && pidof haproxy",
        "pgrep -f 'nginx: master'",
        "curl -f http://www.example.com/",
        "curl -f -u me:secret http://127.0.0.1/",
        "curl -f -X POST http://127.0.0.1/",
        "curl -f http://127.0.0.1/ | grep -q ok",
        "nc 127.0.0.1 80",
        "nc -zu 127.0.0.1 53",
        "nc -z www.example.com 80",
        "test -f /run/ok",
        "ping -c1 127.0.0.1",
        "systemctl is-active backup.timer",
        "nslookup www.example.com",
      })
  void othersAreNoIdioms(String command) {
    assertEquals("", new Idioms(FROM, null).of(command).map(Object::toString).orElse(""));
  }

  @Test
  void timesAndDifferencesAreKept() {
    assertEquals("2s", check("nc -z -w 2 127.0.0.1 80").timeout());
    assertEquals("1500ms", check("curl -f -m 1.5 http://127.0.0.1/").timeout());
    assertEquals(List.of(), check("pgrep -x nginx").how());
    assertEquals(
        List.of("pgrep finds parts of names, process wants the whole one"),
        check("pgrep nginx").how());
    assertEquals(List.of("redirects are not followed"), check("curl -fL 127.0.0.1").how());
  }

  @Test
  void theServerOfACheckNeedsNoHost() {
    var idioms = new Idioms(FROM, "192.0.2.9");
    assertEquals(
        "{port=80}", idioms.of("nc -z 192.0.2.9 80").orElseThrow().fields().plain().toString());
    assertEquals(
        "{host=127.0.0.1, port=80}",
        idioms.of("nc -z localhost 80").orElseThrow().fields().plain().toString());
  }
}
