/**
 * Jinja as chat templates use it, with Python's semantics: what Jinja2 3.1 writes in the
 * environment that Transformers gives it ({@code trim_blocks}, {@code lstrip_blocks}, loop
 * controls, {@code tojson}, {@code raise_exception}, {@code strftime_now}, {@code generation}
 * blocks).
 *
 * <p>{@link org.autodidact.checkpoints.jinja.JinjaTemplate} is the door. Source text goes through
 * {@code Lexer} and {@code Parser} to {@code Expression} and {@code Statement} nodes, which
 * evaluate themselves in a {@code Frame}. Values are Java's: null (None), Boolean, Long, Double,
 * String, {@code List} (list), {@code Tuple}, {@code Map} (dict), and the package's own types. A
 * value is never parsed: whatever a conversation holds comes out as it went in.
 *
 * <p>A template is somebody else's program. It reaches nothing but its variables, and a {@code
 * Budget} bounds its work, memory and depth. What is not supported is an error with its line, never
 * silence.
 */
package org.autodidact.checkpoints.jinja;
