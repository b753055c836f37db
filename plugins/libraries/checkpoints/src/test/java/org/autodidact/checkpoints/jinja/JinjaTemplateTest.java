package org.autodidact.checkpoints.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JinjaTemplateTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-07T09:05:04.012345Z"), ZoneOffset.UTC);

  private static String render(String template, Map<String, ?> variables) {
    return JinjaTemplate.parse(template).render(variables, CLOCK);
  }

  private static Object value(JsonNode node) {
    if (node.isTextual()) {
      return node.asText();
    } else if (node.isIntegralNumber()) {
      return node.asLong();
    } else if (node.isNumber()) {
      return node.asDouble();
    } else if (node.isBoolean()) {
      return node.asBoolean();
    } else if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(item -> list.add(value(item)));
      return list;
    } else if (node.isObject()) {
      Map<String, Object> map = new LinkedHashMap<>();
      node.properties().forEach(entry -> map.put(entry.getKey(), value(entry.getValue())));
      return map;
    }
    return null;
  }

  /** The texts are made by src/test/python/make_jinja_cases.py. */
  @Test
  @SuppressWarnings("unchecked")
  void writesWhatJinjaWrites() throws Exception {
    JsonNode all;
    try (InputStream in = getClass().getResourceAsStream("jinja-cases.json")) {
      all = new ObjectMapper().readTree(in);
    }
    Map<String, Object> variables = (Map<String, Object>) value(all.get("variables"));
    List<String> differ = new ArrayList<>();
    Set<String> unsupported = new TreeSet<>();
    for (JsonNode node : all.get("cases")) {
      String template = node.get(0).asText();
      String expected = node.get(1).isNull() ? "refused" : "writes " + node.get(1).asText();
      String found;
      try {
        found = "writes " + render(template, variables);
      } catch (JinjaException e) {
        found = "refused";
        if (!expected.equals(found)) {
          unsupported.add(e.getMessage());
          continue;
        }
      }
      if (!found.equals(expected)) {
        differ.add(template + "\n  expected: " + expected + "\n  found:    " + found);
      }
    }
    assertThat(differ).isEmpty();
    assertThat(unsupported)
        .as("what Jinja2 has and we refuse, by name")
        .containsExactlyInAnyOrder(
            "a bool as a key, which equals 0 or 1, is not supported",
            "a function cannot be written",
            "the attribute 'real' of numbers is not supported",
            "the filter 'e' is not supported",
            "the filter 'escape' is not supported",
            "the filter 'groupby' is not supported",
            "the statement 'autoescape' is not supported",
            "the statement 'block' is not supported",
            "the text method 'encode' is not supported",
            "the text method 'format' is not supported");
  }

  /** Python's strftime in the C locale of 2026-03-07 09:05:04.012345, a Saturday. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "%d %b %Y|07 Mar 2026",
        "%B %d, %Y|March 07, 2026",
        "%A %a|Saturday Sat",
        "%H:%M:%S|09:05:04",
        "%-d/%-m/%y|7/3/26",
        "<%e %k %l>|< 7  9  9>",
        "%I %p %P|09 AM am",
        "%j %U %W %V %u %w %G %g|066 09 09 10 6 6 2026 26",
        "%f %%|012345 %",
        "%c|Sat Mar  7 09:05:04 2026",
        "%x %X %D %F %T %R|03/07/26 09:05:04 03/07/26 2026-03-07 09:05:04 09:05",
        "today is %Y|today is 2026",
      })
  void saysTheTimeAsPythonDoes(String format, String expected) {
    assertThat(render("{{ strftime_now(format) }}", Map.of("format", format))).isEqualTo(expected);
  }

  @Test
  void anUnknownDirectiveOfTimeIsNamed() {
    assertThatThrownBy(() -> render("{{ strftime_now('%Q') }}", Map.of()))
        .isInstanceOf(JinjaException.class)
        .hasMessageContaining("'%Q'");
  }

  @Test
  void aRefusalSaysSoAndItsLine() {
    assertThatThrownBy(() -> render("a\nb {{ raise_exception('no ' ~ 1) }}", Map.of()))
        .isInstanceOfSatisfying(
            JinjaException.class,
            e -> {
              assertThat(e.isRaised()).isTrue();
              assertThat(e.line()).isEqualTo(2);
              assertThat(e).hasMessage("no 1");
            });
    assertThatThrownBy(() -> render("a\n\n{{ x.y }}", Map.of()))
        .isInstanceOfSatisfying(
            JinjaException.class,
            e -> {
              assertThat(e.isRaised()).isFalse();
              assertThat(e.line()).isEqualTo(3);
              assertThat(e).hasMessage("'x' is undefined");
            });
  }

  /** Somebody else's programs: each ends by itself, with a refusal. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l='x') %}{% for i in range(99) %}{% set ns.l = ns.l ~ ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        "{% set a = namespace(l=[]) %}{% set b = namespace(l=[]) %}{% for i in range(99) %}"
            + "{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'x' * 999999999 }}",
        "{{ [0] * 999999999 }}",
        "{{ 'x' * 99999999999999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 1 | string | center(999999999) }}",
        "{{ 'a'.ljust(2147483648) }}",
        "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000) }}",
        "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}",
        "{% for i in range(99999) %}{{ ('x' * 9999) in ('x' * 99999) }}{% endfor %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ range(100000) | map('string') | join('x' * 10000) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ x() }}",
        "{% set s = 'é🎉' * 1000000 %}{% for i in range(100000) %}{% set x = s[1999999] %}{% endfor %}",
        "{% set s = 'é🎉' * 1000000 %}{% for i in range(100000) %}{% set x = s|length %}{% endfor %}",
        "{% set s = 'a' * 3000000 %}{% for i in range(100000) %}{% set x = s[::-1] %}{% endfor %}",
      })
  void aHostileTemplateEnds(String template) {
    assertThatThrownBy(() -> render(template, Map.of())).isInstanceOf(JinjaException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "{1:", "not ", "-", "1 if ", "x[", "x(", "1 + ("})
  void deepNestingIsRefused(String open) {
    assertThatThrownBy(() -> JinjaTemplate.parse("{{ " + open.repeat(20_000)))
        .isInstanceOf(JinjaException.class);
    assertThatThrownBy(() -> JinjaTemplate.parse("{% if 1 %}{% for x in y %}".repeat(20_000)))
        .isInstanceOf(JinjaException.class);
    String long100000 = "1" + " + 1".repeat(100_000);
    assertThatThrownBy(() -> render("{{ " + long100000 + " }}", Map.of()))
        .isInstanceOf(JinjaException.class);
  }

  /** No text is ever code. */
  @Property
  void aTextComesOutAsItWentIn(@ForAll String text) {
    Map<String, ?> variables = Map.of("m", Map.of("content", text), "l", List.of(text));
    assertThat(render("<{{ m.content }}{{ l[0] }}{{ '' ~ m['content'] }}>", variables))
        .isEqualTo("<" + text + text + text + ">");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 7*7 }}",
        "{% include 'x' %}",
        "{# gone #}",
        "{{ raise_exception('x') }}",
        "{% for i in range(9) %}",
        "\\frac{{1}}{{2}}",
        "{{{{",
        "%}",
        "{% raw %}"
      })
  void aTextThatLooksLikeCodeIsNone(String text) {
    assertThat(render("{{ m }}{% for x in [m] %}{{ x | trim }}{% endfor %}", Map.of("m", text)))
        .isEqualTo(text + text);
  }
}
