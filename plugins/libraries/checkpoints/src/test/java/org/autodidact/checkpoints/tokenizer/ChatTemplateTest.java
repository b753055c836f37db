package org.autodidact.checkpoints.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  @TempDir Path folder;

  private ChatTemplate template(String text) throws Exception {
    Files.writeString(folder.resolve("chat_template.jinja"), text);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\"}}");
    return ChatTemplate.read(folder, Clock.systemUTC());
  }

  private static Message assistant(String text) {
    return new Message("assistant", text);
  }

  /** The expected texts are Hugging Face's: see src/test/python/render_dialect.py. */
  @Test
  void whatTemplatesAskOfJinjaIsUnderstood() throws Exception {
    ChatTemplate template;
    try (InputStream in = getClass().getResourceAsStream("dialect.jinja")) {
      template = template(new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
    }
    assertThat(template.render(List.of(Message.user("a")), true))
        .isEqualTo("<s>[]<user>a!<ASSISTANT>");
    assertThat(
            template.render(
                List.of(new Message("system", " s \n"), Message.user("<tool>x</tool>")), false))
        .isEqualTo("<s>[s]<user><tool>x</tool>");
    assertThat(
            template.render(
                List.of(
                    Message.user("a"),
                    assistant("hm</think>\n\nb"),
                    Message.user("c"),
                    Message.user("<tool>x</tool>")),
                true))
        .isEqualTo("<s>[]<user>a\n<ASSISTANT>b</s>\n<user>c!\n<user><tool>x</tool><ASSISTANT>");
    assertThatThrownBy(() -> template.render(List.of(new Message("robot", "a")), true))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("unknown role robot");
  }

  /** Texts are data: what looks like a template in a message is text. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 7*7 }} {% if x %}secret{% endif %} {# gone #}",
        "{% include \"application.properties\" %}",
        "{{ raise_exception(\"x\") }}",
        "{% for i in range(1000) %}",
        "docker ps --format '{{.Names}}'",
        "Use {{#each items}}{{name}}{{/each}} here"
      })
  void aMessageIsNeverCode(String content) throws Exception {
    ChatTemplate template =
        template(
            "{% for m in messages %}{{ '<' + m.role + '>' + m.content + '<end>' }}{% endfor %}");
    assertThat(template.render(List.of(Message.user(content), assistant(content)), true))
        .isEqualTo("<user>" + content + "<end><assistant>" + content + "<end>");
  }

  /** Gemma's way: no system turn, strict turns, another name for the assistant. */
  @Test
  void turnsLikeGemmasAreUnderstood() throws Exception {
    ChatTemplate template =
        template(
            """
            {{ bos_token }}
            {%- if messages[0]['role'] == 'system' -%}
                {%- if messages[0]['content'] is string -%}
                    {%- set first = messages[0]['content'] + '\n\n' -%}
                {%- else -%}
                    {%- set first = messages[0]['content'][0]['text'] + '\n\n' -%}
                {%- endif -%}
                {%- set turns = messages[1:] -%}
            {%- else -%}
                {%- set first = "" -%}
                {%- set turns = messages -%}
            {%- endif -%}
            {%- for turn in turns -%}
                {%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) -%}
                    {{ raise_exception("roles must alternate") }}
                {%- endif -%}
                {%- set role = "model" if turn['role'] == 'assistant' else turn['role'] -%}
                {{ '<start_of_turn>' + role + '\n' + (first if loop.first else "") }}
                {%- if turn['content'] is string -%}
                    {{ turn['content'] | trim }}
                {%- elif turn['content'] is iterable -%}
                    {%- for item in turn['content'] -%}
                        {%- if item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
                    {%- endfor -%}
                {%- endif -%}
                {{ '<end_of_turn>\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}
                {{ '<start_of_turn>model\n' }}
            {%- endif -%}
            """);
    assertThat(template.render(List.of(Message.user(" a ")), true))
        .isEqualTo("<s><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n");
    assertThat(
            template.render(
                List.of(
                    new Message("system", "s"),
                    Message.user("a"),
                    assistant("b"),
                    Message.user("c")),
                true))
        .isEqualTo(
            "<s><start_of_turn>user\ns\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
                + "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n");
    assertThatThrownBy(() -> template.render(List.of(assistant("a")), true))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("roles must alternate");
  }

  /** A template is somebody else's program. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.getClass().forName('java.lang.Runtime').getRuntime().exec('true') }}",
        "{{ messages.getClass().getClassLoader() }}",
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' as p %}{{ p }}",
        "{{ ____int3rpr3t3r____.getConfig() }}",
        "{% for i in range(1000000000) %}{{ messages[0].content * 100000 }}{% endfor %}",
      })
  void aTemplateReachesNothing(String text) throws Exception {
    String found;
    try {
      found = template("before " + text).render(List.of(Message.user("a")), true);
    } catch (UnsupportedModelException e) {
      found = "before";
    }
    assertThat(found).startsWith("before").doesNotContain("root:").doesNotContain("class ");
    assertThat(found.length()).isLessThan(5 << 20);
  }
}
