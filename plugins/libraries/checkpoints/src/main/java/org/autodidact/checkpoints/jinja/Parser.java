package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.autodidact.checkpoints.jinja.Expression.ArgumentList;
import org.autodidact.checkpoints.jinja.Statement.Target;
import org.autodidact.checkpoints.jinja.Token.Kind;

/**
 * Makes nodes of tokens, by recursive descent in the order of Jinja2's own parser, so that
 * operators bind alike.
 */
final class Parser {
  private static final int DEPTH = 100;

  private static final Set<String> UNSUPPORTED =
      Set.of("autoescape", "block", "extends", "from", "import", "include", "trans", "do", "debug");

  private static final Map<String, Object> CONSTANTS = new LinkedHashMap<>();

  static {
    CONSTANTS.put("true", true);
    CONSTANTS.put("True", true);
    CONSTANTS.put("false", false);
    CONSTANTS.put("False", false);
    CONSTANTS.put("none", null);
    CONSTANTS.put("None", null);
  }

  private final List<Token> tokens;
  private int at;
  private int depth;

  /** Whether an unknown filter or test is an error only where it is reached, as inside an if. */
  private boolean soft;

  /** Unknown filters and tests that make the whole template wrong. */
  private final List<JinjaException> unknown = new ArrayList<>();

  private int loops;
  private Set<String> names = new HashSet<>();

  private Parser(List<Token> tokens) {
    this.tokens = tokens;
  }

  static List<Statement> parse(String template) {
    Parser parser = new Parser(Lexer.tokens(template));
    List<Statement> body = parser.statements(Set.of());
    if (parser.token().kind() != Kind.END) {
      throw parser.unexpected();
    }
    if (!parser.unknown.isEmpty()) {
      throw parser.unknown.get(0);
    }
    return body;
  }

  // Statements

  /** Up to a block of one of these names, whose name is the current token then, or to the end. */
  private List<Statement> statements(Set<String> ends) {
    return deeper(
        () -> {
          List<Statement> body = new ArrayList<>();
          while (true) {
            Token token = token();
            switch (token.kind()) {
              case DATA -> {
                body.add(new Statement.Data(token.value()));
                at++;
              }
              case EXPRESSION_BEGIN -> {
                at++;
                body.add(new Statement.Write(tuple(true, Set.of()), token.line()));
                expect(Kind.EXPRESSION_END);
              }
              case BLOCK_BEGIN -> {
                at++;
                if (token().kind() == Kind.NAME && ends.contains(token().value())) {
                  return body;
                }
                body.add(statement());
                expect(Kind.BLOCK_END);
              }
              default -> {
                if (!ends.isEmpty()) {
                  throw new JinjaException(
                      "the template ends where " + quoted(ends) + " is expected", token.line());
                }
                return body;
              }
            }
          }
        });
  }

  private static String quoted(Set<String> names) {
    return "'" + String.join("' or '", names.stream().sorted().toList()) + "'";
  }

  /** The body of a block up to its end, which is taken. */
  private List<Statement> body(String... ends) {
    expect(Kind.BLOCK_END);
    return statements(Set.of(ends));
  }

  private Statement statement() {
    Token keyword = token();
    if (keyword.kind() != Kind.NAME) {
      throw unexpected();
    }
    at++;
    int line = keyword.line();
    return switch (keyword.value()) {
      case "if" -> inFrame(true, () -> ifStatement(line));
      case "for" -> forStatement(line);
      case "set" -> set(line);
      case "macro" -> macro();
      case "call" -> call(line);
      case "with" -> with(line);
      case "print" -> print(line);
      case "filter" -> {
        Expression.Filter filter = filters(Optional.of(token().line()));
        yield inFrame(false, () -> new Statement.FilterWritten(filter, ended("endfilter"), line));
      }
      case "generation" -> inFrame(false, () -> new Statement.Generation(ended("endgeneration")));
      case "break", "continue" -> {
        if (loops == 0) {
          throw new JinjaException("'" + keyword.value() + "' outside of a loop", line);
        }
        yield new Statement.Jump(
            keyword.value().equals("break") ? Statement.Ended.BREAK : Statement.Ended.CONTINUE);
      }
      default ->
          throw new JinjaException(
              UNSUPPORTED.contains(keyword.value())
                  ? "the statement '" + keyword.value() + "' is not supported"
                  : "unknown statement " + keyword.shown(),
              line);
    };
  }

  private Statement print(int line) {
    List<Expression> parts = new ArrayList<>(List.of(expression()));
    while (skipOperator(",")) {
      parts.add(expression());
    }
    return new Statement.Write(new Expression.Concatenation(parts), line);
  }

  private List<Statement> ended(String end) {
    List<Statement> body = body(end);
    at++;
    return body;
  }

  /** Parses a part in a frame of its own, where {@link #soft} is this. */
  private <T> T inFrame(boolean softInside, Supplier<T> part) {
    boolean before = soft;
    soft = softInside;
    T parsed = part.get();
    soft = before;
    return parsed;
  }

  private Statement ifStatement(int line) {
    List<Expression> tests = new ArrayList<>();
    List<List<Statement>> bodies = new ArrayList<>();
    while (true) {
      tests.add(tuple(false, Set.of()));
      bodies.add(body("elif", "else", "endif"));
      String next = token().value();
      at++;
      if (next.equals("else")) {
        tests.add(new Expression.Constant(true));
        bodies.add(ended("endif"));
      }
      if (!next.equals("elif")) {
        return new Statement.If(tests, bodies, line);
      }
    }
  }

  private Statement forStatement(int line) {
    Target target = target(Set.of("in"), false);
    if (target.equals(new Target.Variable("loop"))) {
      throw new JinjaException("'loop' cannot be the variable of a loop", line);
    }
    expectName("in");
    Expression items = tuple(false, Set.of("recursive"));
    Optional<Expression> filter = skipName("if") ? Optional.of(expression()) : Optional.empty();
    boolean recursive = skipName("recursive");
    return inFrame(
        false,
        () -> {
          loops++;
          List<Statement> body = body("endfor", "else");
          loops--;
          boolean otherwise = token().isName("else");
          at++;
          List<Statement> none = otherwise ? ended("endfor") : List.of();
          return new Statement.For(target, items, filter, recursive, body, none, line);
        });
  }

  private Statement set(int line) {
    Target target = target(Set.of(), true);
    if (skipOperator("=")) {
      return new Statement.Assign(target, tuple(true, Set.of()), line);
    }
    Optional<Expression.Filter> filter =
        token().isOperator("|") ? Optional.of(filters(Optional.empty())) : Optional.empty();
    return inFrame(false, () -> new Statement.AssignWritten(target, filter, ended("endset"), line));
  }

  private Statement macro() {
    String name = name();
    expectOperator("(");
    return withSignature(
        (parameters, defaults) -> {
          List<Statement> body = ended("endmacro");
          return new Statement.DefineMacro(name, signature(parameters, defaults), body);
        });
  }

  private Statement call(int line) {
    if (skipOperator("(")) {
      return withSignature((parameters, defaults) -> calledWith(parameters, defaults, line));
    }
    return calledWith(List.of(), List.of(), line);
  }

  private Statement calledWith(
      List<String> parameters, List<Optional<Expression>> defaults, int line) {
    if (!(expression() instanceof Expression.Call call)) {
      throw new JinjaException("after 'call' the call of a macro is expected", line);
    }
    return inFrame(
        false,
        () -> {
          List<Statement> body = ended("endcall");
          return new Statement.CallWithBody(call, signature(parameters, defaults), body, line);
        });
  }

  private interface AfterSignature {
    Statement parse(List<String> parameters, List<Optional<Expression>> defaults);
  }

  /** Parses {@code a, b=1)} and what follows, whose names are collected. */
  private Statement withSignature(AfterSignature rest) {
    Set<String> around = names;
    names = new HashSet<>();
    int loopsAround = loops;
    loops = 0;
    List<String> parameters = new ArrayList<>();
    List<Optional<Expression>> defaults = new ArrayList<>();
    while (!skipOperator(")")) {
      if (!parameters.isEmpty()) {
        expectOperator(",");
      }
      parameters.add(name());
      if (skipOperator("=")) {
        defaults.add(Optional.of(expression()));
      } else if (!defaults.isEmpty() && defaults.get(defaults.size() - 1).isPresent()) {
        throw new JinjaException("a parameter without default after one with", token().line());
      } else {
        defaults.add(Optional.empty());
      }
    }
    Statement parsed = inFrame(false, () -> rest.parse(parameters, defaults));
    around.addAll(names);
    names = around;
    loops = loopsAround;
    return parsed;
  }

  private Macro.Signature signature(List<String> parameters, List<Optional<Expression>> defaults) {
    return new Macro.Signature(
        parameters, defaults, names.contains("varargs"), names.contains("kwargs"));
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (token().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        expectOperator(",");
      }
      targets.add(target(Set.of(), false));
      expectOperator("=");
      values.add(expression());
    }
    return inFrame(false, () -> new Statement.With(targets, values, ended("endwith"), line));
  }

  private Target target(Set<String> ends, boolean namespaces) {
    List<Target> targets = new ArrayList<>();
    boolean several = false;
    do {
      if (several
          && (token().kind() != Kind.NAME && !token().isOperator("(")
              || ends.contains(token().value()))) {
        break;
      }
      if (skipOperator("(")) {
        Target inner = deeper(() -> target(Set.of(), namespaces));
        targets.add(inner instanceof Target.Several ? inner : new Target.Several(List.of(inner)));
        expectOperator(")");
      } else {
        String name = name();
        targets.add(
            namespaces && skipOperator(".")
                ? new Target.Attribute(name, name())
                : new Target.Variable(name));
      }
      several |= token().isOperator(",");
    } while (skipOperator(","));
    return several ? new Target.Several(targets) : targets.get(0);
  }

  private String name() {
    Token token = token();
    if (token.kind() != Kind.NAME || CONSTANTS.containsKey(token.value())) {
      throw unexpected();
    }
    at++;
    return token.value();
  }

  // Expressions, from the loosest to the tightest

  /**
   * Expressions with commas between are a tuple.
   *
   * @param conditions whether {@code a if b else c} may stand here
   * @param ends names that end it
   */
  private Expression tuple(boolean conditions, Set<String> ends) {
    List<Expression> items = new ArrayList<>();
    boolean several = false;
    do {
      if (several && isTupleEnd(ends)) {
        break;
      }
      items.add(conditions ? expression() : or());
      several |= token().isOperator(",");
    } while (skipOperator(","));
    return several ? new Expression.TupleOf(items) : items.get(0);
  }

  private boolean isTupleEnd(Set<String> ends) {
    Token token = token();
    return token.kind() == Kind.EXPRESSION_END
        || token.kind() == Kind.BLOCK_END
        || token.isOperator(")")
        || token.kind() == Kind.NAME && ends.contains(token.value());
  }

  private Expression expression() {
    return deeper(
        () -> {
          int known = unknown.size();
          Expression value = or();
          while (skipName("if")) {
            Expression test = or();
            Optional<Expression> otherwise =
                skipName("else") ? Optional.of(expression()) : Optional.empty();
            value = new Expression.Condition(test, value, otherwise);
            unknown.subList(known, unknown.size()).clear();
          }
          return value;
        });
  }

  private Expression or() {
    Expression left = and();
    while (skipName("or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (skipName("and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    return skipName("not") ? deeper(() -> new Expression.Not(not())) : comparison();
  }

  private Expression comparison() {
    int line = token().line();
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = token();
      if (token.kind() == Kind.OPERATOR
          && Set.of("==", "!=", "<", "<=", ">", ">=").contains(token.value())) {
        at++;
        operators.add(token.value());
      } else if (skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.get(at + 1).isName("in")) {
        at += 2;
        operators.add("not in");
      } else {
        return operators.isEmpty()
            ? first
            : new Expression.Comparison(first, operators, others, line);
      }
      others.add(sum());
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (token().isOperator("+") || token().isOperator("-")) {
      left = binary(left, this::concatenation);
    }
    return left;
  }

  private Expression binary(Expression left, Supplier<Expression> operand) {
    Token operator = token();
    at++;
    Expression right = operand.get();
    if (isMarkedSafe(left) || isMarkedSafe(right)) {
      throw new JinjaException(
          "'"
              + operator.value()
              + "' beside '|safe' escapes HTML in Jinja; that is not supported, '~' joins texts as"
              + " they are",
          operator.line());
    }
    return new Expression.Binary(operator.value(), left, right, operator.line());
  }

  private static boolean isMarkedSafe(Expression expression) {
    return expression instanceof Expression.Filter filter && filter.name().equals("safe");
  }

  private Expression concatenation() {
    Expression first = product();
    if (!token().isOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (skipOperator("~")) {
      parts.add(product());
    }
    return new Expression.Concatenation(parts);
  }

  private Expression product() {
    Expression left = power();
    while (token().kind() == Kind.OPERATOR
        && Set.of("*", "/", "//", "%").contains(token().value())) {
      left = binary(left, this::power);
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (token().isOperator("**")) {
      left = binary(left, () -> unary(true));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    Token token = token();
    Expression value;
    if (token.isOperator("-") || token.isOperator("+")) {
      at++;
      Expression operand = deeper(() -> unary(false));
      value = new Expression.Sign(token.value().equals("-"), operand, token.line());
    } else {
      value = primary();
    }
    value = postfix(value);
    return withFilters ? filtersAndTests(value) : value;
  }

  private Expression primary() {
    Token token = token();
    at++;
    switch (token.kind()) {
      case NAME -> {
        if (CONSTANTS.containsKey(token.value())) {
          return new Expression.Constant(CONSTANTS.get(token.value()));
        }
        names.add(token.value());
        return new Expression.Name(token.value(), token.line());
      }
      case STRING -> {
        StringBuilder text = new StringBuilder(token.value());
        while (token().kind() == Kind.STRING) {
          text.append(token().value());
          at++;
        }
        return new Expression.Constant(text.toString());
      }
      case INTEGER -> {
        return new Expression.Constant(Long.valueOf(token.value()));
      }
      case FLOAT -> {
        return new Expression.Constant(Double.valueOf(token.value()));
      }
      case OPERATOR -> {
        switch (token.value()) {
          case "(" -> {
            return brackets();
          }
          case "[" -> {
            return new Expression.ListOf(items("]"));
          }
          case "{" -> {
            return dict();
          }
          default -> {}
        }
      }
      default -> {}
    }
    at--;
    throw unexpected();
  }

  private Expression brackets() {
    if (skipOperator(")")) {
      return new Expression.TupleOf(List.of());
    }
    Expression inside = tuple(true, Set.of());
    expectOperator(")");
    return inside;
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!skipOperator(end)) {
      if (!items.isEmpty()) {
        expectOperator(",");
        if (skipOperator(end)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!skipOperator("}")) {
      if (!keys.isEmpty()) {
        expectOperator(",");
        if (skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      expectOperator(":");
      values.add(expression());
    }
    return new Expression.DictOf(keys, values);
  }

  private Expression postfix(Expression value) {
    Expression result = value;
    while (true) {
      if (token().isOperator(".") || token().isOperator("[")) {
        result = subscript(result);
      } else if (token().isOperator("(")) {
        result = callOf(result);
      } else {
        return result;
      }
    }
  }

  private Expression filtersAndTests(Expression value) {
    Expression result = value;
    while (true) {
      Token token = token();
      if (token.isOperator("|")) {
        at++;
        result = filter(result);
      } else if (token.isName("is")) {
        at++;
        result = test(result);
      } else if (token.isOperator("(")) {
        result = callOf(result);
      } else {
        return result;
      }
    }
  }

  private Expression subscript(Expression owner) {
    Token token = token();
    at++;
    int line = token.line();
    if (token.isOperator(".")) {
      Token attribute = token();
      at++;
      if (attribute.kind() == Kind.NAME) {
        return new Expression.Attribute(owner, attribute.value(), line);
      } else if (attribute.kind() == Kind.INTEGER) {
        return new Expression.Item(
            owner, new Expression.Constant(Long.valueOf(attribute.value())), line);
      }
      at--;
      throw unexpected();
    }
    Optional<Expression> first = sliceBound();
    if (skipOperator(":")) {
      Optional<Expression> to = sliceBound();
      Optional<Expression> step = skipOperator(":") ? sliceBound() : Optional.empty();
      expectOperator("]");
      return new Expression.Slice(owner, first, to, step, line);
    }
    if (first.isEmpty()) {
      throw unexpected();
    }
    List<Expression> keys = new ArrayList<>(List.of(first.get()));
    while (skipOperator(",")) {
      keys.add(expression());
    }
    expectOperator("]");
    return new Expression.Item(
        owner, keys.size() == 1 ? keys.get(0) : new Expression.TupleOf(keys), line);
  }

  private Optional<Expression> sliceBound() {
    return token().isOperator(":") || token().isOperator("]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  private Expression callOf(Expression callee) {
    int line = token().line();
    return new Expression.Call(callee, arguments(), line);
  }

  private ArgumentList arguments() {
    expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Optional<Expression> spread = Optional.empty();
    Optional<Expression> namedSpread = Optional.empty();
    boolean first = true;
    while (!skipOperator(")")) {
      if (!first) {
        expectOperator(",");
        if (skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (skipOperator("*")) {
        spread = Optional.of(expression());
      } else if (skipOperator("**")) {
        namedSpread = Optional.of(expression());
      } else if (token().kind() == Kind.NAME && tokens.get(at + 1).isOperator("=")) {
        String name = token().value();
        at += 2;
        if (named.put(name, expression()) != null) {
          throw new JinjaException("the argument '" + name + "' is given twice", token().line());
        }
      } else if (named.isEmpty() && spread.isEmpty() && namedSpread.isEmpty()) {
        positional.add(expression());
      } else {
        throw new JinjaException("an argument without name after one with", token().line());
      }
    }
    return positional.isEmpty() && named.isEmpty() && spread.isEmpty() && namedSpread.isEmpty()
        ? ArgumentList.NONE
        : new ArgumentList(positional, named, spread, namedSpread);
  }

  /**
   * The filters after {@code set name} or {@code filter}, whose value is what a block writes.
   *
   * @param first the line where the first filter's name stands without a bar before it
   */
  private Expression.Filter filters(Optional<Integer> first) {
    Expression value = new Expression.Name(Statement.WRITTEN, token().line());
    if (first.isPresent()) {
      value = filter(value);
    }
    while (skipOperator("|")) {
      value = filter(value);
    }
    return (Expression.Filter) value;
  }

  private Expression filter(Expression value) {
    int line = token().line();
    String name = dottedName();
    if (!soft && !Filters.isKnown(name)) {
      unknown.add(new JinjaException(Filters.unknown(name), line));
    }
    ArgumentList arguments = token().isOperator("(") ? arguments() : ArgumentList.NONE;
    return new Expression.Filter(value, name, arguments, line);
  }

  private Expression test(Expression value) {
    int line = token().line();
    boolean negated = skipName("not");
    String name = dottedName();
    if (!soft && !Tests.isKnown(name)) {
      unknown.add(new JinjaException("no test is named '" + name + "'", line));
    }
    ArgumentList arguments = ArgumentList.NONE;
    Token token = token();
    if (token.isOperator("(")) {
      arguments = arguments();
    } else if (beginsArgument(token)) {
      if (token.isName("is")) {
        throw new JinjaException("tests cannot be chained with 'is'", token.line());
      }
      arguments =
          new ArgumentList(
              List.of(postfix(primary())), Map.of(), Optional.empty(), Optional.empty());
    }
    Expression test = new Expression.Test(value, name, arguments, line);
    return negated ? new Expression.Not(test) : test;
  }

  /** Whether a test's one argument without brackets begins here. */
  private static boolean beginsArgument(Token token) {
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !Set.of("else", "or", "and").contains(token.value());
      case OPERATOR -> token.value().equals("[") || token.value().equals("{");
      default -> false;
    };
  }

  private String dottedName() {
    Token token = token();
    if (token.kind() != Kind.NAME) {
      throw unexpected();
    }
    at++;
    StringBuilder name = new StringBuilder(token.value());
    while (token().isOperator(".") && tokens.get(at + 1).kind() == Kind.NAME) {
      name.append('.').append(tokens.get(at + 1).value());
      at += 2;
    }
    return name.toString();
  }

  // Tokens

  private Token token() {
    return tokens.get(at);
  }

  private boolean skipName(String name) {
    boolean found = token().isName(name);
    at += found ? 1 : 0;
    return found;
  }

  private boolean skipOperator(String operator) {
    boolean found = token().isOperator(operator);
    at += found ? 1 : 0;
    return found;
  }

  private void expectName(String name) {
    if (!skipName(name)) {
      throw new JinjaException("expected '" + name + "', found " + token().shown(), token().line());
    }
  }

  private void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw new JinjaException(
          "expected '" + operator + "', found " + token().shown(), token().line());
    }
  }

  private void expect(Kind kind) {
    if (token().kind() != kind) {
      throw unexpected();
    }
    at++;
  }

  private JinjaException unexpected() {
    return new JinjaException("unexpected " + token().shown(), token().line());
  }

  private <T> T deeper(Supplier<T> part) {
    if (++depth > DEPTH) {
      throw new JinjaException(
          "the template nests deeper than " + DEPTH + " levels", token().line());
    }
    T parsed = part.get();
    depth--;
    return parsed;
  }
}
