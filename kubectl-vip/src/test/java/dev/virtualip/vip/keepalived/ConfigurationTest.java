package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** keepalived's syntax: each claim was tried with {@code keepalived -t} of 2.2.7. */
class ConfigurationTest {
  @TempDir private Path folder;

  private Configuration parse(String text) throws SyntaxException {
    return Configuration.parse("t.conf", text, "main", folder);
  }

  /** The tree on one line: words with | between them, blocks in braces. */
  private static String tree(List<Directive> directives) {
    return directives.stream()
        .map(
            one ->
                String.join("|", one.words())
                    + (one.isBlock() ? "{" + tree(one.block()) + "}" : ""))
        .collect(Collectors.joining(" "));
  }

  private void assertTree(String expected, String text) throws SyntaxException {
    assertEquals(expected, tree(parse(text).directives()));
  }

  private void assertRefused(String message, String text) {
    var e = assertThrows(SyntaxException.class, () -> parse(text));
    assertEquals("t.conf:" + message, e.getMessage());
  }

  @Test
  void aBlockBeginsOnItsLineOrTheNext() throws SyntaxException {
    assertTree("a|b{c|d e{f}}", "a b {\n c d\n e\n {\n f }\n}\n");
    assertTree("a{b}", "a{b}");
    assertTree("a{} b", "a {\n}\nb");
  }

  @Test
  void commentsBeginAnywhereButInQuotes() throws SyntaxException {
    assertTree("a|b c|d#e!|f", "! one\na b # two\n#three\nc \"d#e!\" f!four\n");
    assertEquals(
        "t.conf:1 !: begins a comment, also within a word: what follows on the line does not count",
        note(parse("auth_pass pass!word")));
  }

  private static String note(Configuration configuration) {
    var remark = configuration.remarks().getFirst();
    return "%s %s: %s".formatted(remark.place(), remark.text(), remark.why());
  }

  @Test
  void quotesHoldWordsTogetherUpToTheNextQuote() throws SyntaxException {
    assertTree("a|b c|d| e |f|{", "a \"b c\" d\" e \"f \"{\"");
    assertTree("auth_pass|a\\tb", "auth_pass \"a\\tb\"");
    assertRefused(
        "1:18: expected a \" that ends the word that begins here", "auth_pass \"a b\\\"c\"");
    assertTree("a|it's", "a it's");
  }

  @Test
  void commandsHaveEscapesAndQuotesOfBothKinds() throws SyntaxException {
    assertTree("script|\"\\|\t|A|A|x", "script \"\\\"\\\\\" \"\\t\" \"\\101\" \"\\x41\" \"\\x\"");
    assertTree("notify|a \"b\" c", "notify 'a \"b\" c'");
    assertTree("misc_path|it's", "misc_path it's");
  }

  @Test
  void linesWithAnotherConfigIdAreLeftOutAndTold() throws SyntaxException {
    var text = "@main a 1\n@backup a 2\n@^main b 1\n@^backup b 2\n";
    assertTree("a|1 b|2", text);
    assertEquals(
        List.of("@backup a 2", "@^main b 1"),
        parse(text).skipped().stream().map(Configuration.Remark::text).toList());
  }

  @Test
  void definitionsAreFilledInWhenTheyAreUsed() throws SyntaxException {
    assertTree("a|10.2.0.1 a|10.2.9.1", "$B=10.2.${S}\n$S=0\na ${B}.1\n$S=9\na ${B}.1\n");
    assertTree("a|1|$AX|$U", "$A=1\na $A $AX $U");
    assertTree("priority|240", "$IF=@main\n$IF priority 240\n");
    assertTree("a|# a|!", "a \"${_HASH}\"\na \"${_BANG}\"\n");
    assertTree("a|main", "a ${_INSTANCE}");
    assertEquals("t.conf:1 $A: nobody uses this definition", note(parse("$A=1\n")));
    assertEquals(
        "t.conf:1 ${_RANDOM 1 9}: keepalived draws a number at each start: write one",
        note(parse("a \"${_RANDOM 1 9}\"")));
  }

  @Test
  void definitionsOfSeveralLinesAreLinesOfTheirOwn() throws SyntaxException {
    assertTree(
        "i|1{p|1 q} i|2{p|1 q}",
        "$I= \\\ni ${N} { \\\n @main p 1 \\\n q \\\n}\n$N=1\n$I\n$N=2\n$I\n");
    assertEquals(
        3,
        parse("$I= \\\na { \\\nb }\n$I").directives().getFirst().block().getFirst().place().line());
  }

  @Test
  void sequencesAndListsRepeatTheRestOfTheirLine() throws SyntaxException {
    assertTree("a|1 a|2 a|3", "~SEQ(I,3) a $I");
    assertTree("a|-1 a|-2", "~SEQ(I,-2) a $I");
    assertTree("a|3 a|2 a|1", "~SEQ(I, 3, 1) a $I");
    assertTree("a|1 a|3 a|5", "~SEQ(I, 1, 2, 6) a $I");
    assertTree("a|8 a|a a|c", "~SEQx(I, 0x8, 2, 0xc) a $I");
    assertTree("a|1.x a|1.y a|2.x a|2.y", "~SEQ(I,2) ~LST(J, x, y) a ${I}.${J}");
    assertTree("a|10.1 a|20.4", "~LST({I, J}, {10,1},{20,4}) a ${I}.${J}");
  }

  @Test
  void includesAreRelativeToTheirFileAndSorted() throws IOException, SyntaxException {
    Files.createDirectories(folder.resolve("d"));
    Files.writeString(folder.resolve("d/2.inc"), "two");
    Files.writeString(folder.resolve("d/1.inc"), "one\ninclude in{n,m}er");
    Files.writeString(folder.resolve("d/inner"), "inner");
    Files.writeString(folder.resolve("d/.hidden.inc"), "hidden");
    assertTree("a{one inner two}", "a {\n include d/*.inc\n}");
    assertTree("inner", "@main include /d/inner");
    assertTree("", "@other include d/inner\n");
    assertEquals("include /no/such", parse("include /no/such").missing().getFirst().text());
    assertEquals("t.conf:1 include d/*.x: no file matches", note(parse("include d/*.x")));
  }

  @Test
  void includesDoNotLeaveTheirFolder() throws IOException, SyntaxException {
    var inner = Files.createDirectories(folder.resolve("inner"));
    Files.writeString(folder.resolve("secret"), "secret");
    assertEquals(1, Configuration.parse("t.conf", "include ../secret", "", inner).missing().size());
  }

  @Test
  void aLoopOfIncludesIsAnError() throws IOException {
    var file = Files.writeString(folder.resolve("a.conf"), "x\ninclude b.conf");
    var other = Files.writeString(folder.resolve("b.conf"), "include ./a.conf");
    var e = assertThrows(SyntaxException.class, () -> Configuration.read(file, "", null));
    assertTrue(e.getMessage().startsWith(other + ":1:1: "), e.getMessage());
    assertTrue(e.getMessage().endsWith(" includes itself in the end: remove the include"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "2:1: no block is open here: remove }, or look for a missing {; a{}|}",
        "1:3: the block of b that begins here has no end: expected }; a{b{|",
        "1:1: expected a keyword before {; {a}",
        "2:2: expected a keyword before {; a{}| {}",
        "1:3: expected a \" that ends the word that begins here; a \"b",
        "1:1: a merge marker: resolve the conflict of versions first; <<<<<<< HEAD|a",
        "1:3: nothing defines ${X}: define it above; a ${X}",
        "2:1: a definition refers to itself, or is too long; $A=${A}${A}|$A",
        "1:1: expected ~SEQ(NAME, START, STEP, END) with numbers, and a STEP but 0; ~SEQ(A,1,0,9) $A",
        "1:1: expected ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, …); ~SEQ(A,1 $A",
        "1:1: expected 2 values for {A, B}, and not {1}; '~LST({A,B},{1}) $A'",
        "2:1: the file ends within a definition: expected its last line; $A=1 \\|b \\",
      })
  void whatIsBrokenHasAPlaceAndAFix(String message, String text) {
    assertRefused(message, text.replace('|', '\n'));
  }

  @Test
  void deepAndLongTextsAreErrors() {
    assertTrue(
        assertThrows(SyntaxException.class, () -> parse("a {\n".repeat(70)))
            .getMessage()
            .contains("more than 64 blocks"));
    assertTrue(
        assertThrows(SyntaxException.class, () -> parse("~SEQ(A,1000) ~SEQ(B,1000) a"))
            .getMessage()
            .contains("more than 200000 lines"));
  }
}
