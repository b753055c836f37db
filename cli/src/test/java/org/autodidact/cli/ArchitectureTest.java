package org.autodidact.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;

/** The whole product is on this module's class path, so that rules of all modules stand here. */
@AnalyzeClasses(
    packages = "org.autodidact",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ArchitectureTest {
  /** Test classes of other modules, which come as jars once those are packaged. */
  static final class NoTestJars implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("-tests.jar");
    }
  }

  @ArchTest
  static final ArchRule THERE_IS_NO_PACKAGE_CYCLE =
      slices().matching("org.autodidact.cli.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule NO_MODULE_HAS_A_PACKAGE_CYCLE =
      slices().matching("org.autodidact.(**)").should().beFreeOfCycles();

  /** The sub-packages of a plugin are public to one another only. */
  @ArchTest
  static void pluginsAreUsedByTheirRootPackageOnly(JavaClasses classes) {
    for (String plugin :
        List.of("org.autodidact.onnxruntime", "org.autodidact.openai", "org.autodidact.pytorch")) {
      noClasses()
          .that()
          .resideOutsideOfPackage(plugin + "..")
          .should()
          .dependOnClassesThat(resideInAPackage(plugin + ".(*).."))
          .check(classes);
      noClasses()
          .that()
          .resideInAPackage(plugin + "..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.autodidact.engine..")
          .check(classes);
    }
  }

  @ArchTest
  static final ArchRule NOTHING_IS_DESERIALIZED =
      noClasses()
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.io.ObjectInputStream");

  @ArchTest
  static final ArchRule COMMANDS_USE_OPTIONS_AND_OPTIONS_USE_OUTPUT =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("main")
          .definedBy("org.autodidact.cli")
          .layer("commands")
          .definedBy("org.autodidact.cli.commands")
          .layer("options")
          .definedBy("org.autodidact.cli.options")
          .layer("output")
          .definedBy("org.autodidact.cli.output")
          .layer("process")
          .definedBy("org.autodidact.cli.process")
          .whereLayer("main")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("commands")
          .mayOnlyBeAccessedByLayers("main")
          .whereLayer("options")
          .mayOnlyBeAccessedByLayers("main", "commands")
          .whereLayer("output")
          .mayOnlyBeAccessedByLayers("commands", "options");
}
