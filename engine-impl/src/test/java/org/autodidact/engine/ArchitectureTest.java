package org.autodidact.engine;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;

@AnalyzeClasses(packages = "org.autodidact", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule THE_API_DEPENDS_ON_NOTHING =
      classes()
          .that()
          .resideInAPackage("org.autodidact.api..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "org.autodidact.api..", "java..", "org.apiguardian..", "org.jspecify..");

  @ArchTest
  static final ArchRule WIRING_STAYS_IN_ITS_PLACE =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.autodidact.engine.guice")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.google.inject..");

  @ArchTest
  static final ArchRule ONLY_THE_STORE_SPEAKS_SQL =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.autodidact.engine.store")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("java.sql..");

  @ArchTest
  static final ArchRule THERE_IS_NO_PACKAGE_CYCLE =
      slices().matching("org.autodidact.engine.(**)").should().beFreeOfCycles();

  /** From the bottom to the top: a package uses only those before it. */
  private static final List<String> LAYERS =
      List.of(
          "seeds",
          "text",
          "judge.score",
          "judge",
          "data",
          "prompts",
          "pairs",
          "evaluation",
          "eft",
          "plugins.rules",
          "plugins",
          "config",
          "store",
          "guards",
          "report",
          "loop");

  @ArchTest
  static void aPackageUsesOnlyLowerOnes(JavaClasses classes) {
    List<String> packages = LAYERS.stream().map(layer -> "org.autodidact.engine." + layer).toList();
    for (int i = 0; i < packages.size(); i++) {
      List<String> above = new ArrayList<>(packages.subList(i + 1, packages.size()));
      above.add("org.autodidact.engine");
      noClasses()
          .that()
          .resideInAPackage(packages.get(i))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(above.toArray(String[]::new))
          .check(classes);
    }
  }

  @ArchTest
  static final ArchRule EVERY_PACKAGE_HAS_ITS_LAYER =
      classes()
          .that()
          .resideInAPackage("org.autodidact.engine.*..")
          .and()
          .resideOutsideOfPackage("org.autodidact.engine.guice") // which stands above all
          .should()
          .resideInAnyPackage(
              LAYERS.stream()
                  .map(layer -> "org.autodidact.engine." + layer)
                  .toArray(String[]::new));

  @ArchTest
  static final ArchRule NOTHING_IS_DESERIALIZED =
      noClasses()
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.io.ObjectInputStream");
}
