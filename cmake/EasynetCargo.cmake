# Finds cargo, and builds the crate with it.

# The environment may name both, as it does for programs that cargo runs; `least` is what Cargo.toml wants.
function(easynet_find_cargo least)
  find_program(EASYNET_CARGO NAMES $ENV{CARGO} cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
  find_program(EASYNET_RUSTC NAMES $ENV{RUSTC} rustc HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
  if(NOT EASYNET_CARGO OR NOT EASYNET_RUSTC)
    message(FATAL_ERROR "easynet needs cargo and rustc, ${least} or later: https://rustup.rs, "
                        "or set EASYNET_CARGO and EASYNET_RUSTC")
  endif()
  execute_process(
    COMMAND "${EASYNET_RUSTC}" --version
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    OUTPUT_VARIABLE said
    ERROR_VARIABLE complaint
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0 OR NOT said MATCHES "^rustc ([0-9]+\\.[0-9]+\\.[0-9]+)")
    message(FATAL_ERROR "${EASYNET_RUSTC} --version failed: ${said}${complaint}")
  endif()
  if(CMAKE_MATCH_1 VERSION_LESS least)
    message(FATAL_ERROR "easynet needs Rust ${least} or later; ${EASYNET_RUSTC} is ${CMAKE_MATCH_1}")
  endif()
endfunction()

# The platform to build for, in Rust's words: what is asked for, or in a cross build what CMake and the
# compiler say. Empty: this machine.
function(easynet_find_target out)
  set(target "${EASYNET_CARGO_TARGET}")
  if(CMAKE_CROSSCOMPILING AND NOT target)
    set(machine "${CMAKE_C_COMPILER_TARGET}")
    if(NOT machine)
      execute_process(
        COMMAND "${CMAKE_C_COMPILER}" -dumpmachine
        OUTPUT_VARIABLE machine
        OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
    if(NOT machine MATCHES "linux-([^-]+)$")
      message(FATAL_ERROR "${CMAKE_C_COMPILER} is for \"${machine}\": set EASYNET_CARGO_TARGET to the "
                          "platform to build for, one of `rustc --print target-list`")
    endif()
    set(target "${CMAKE_SYSTEM_PROCESSOR}-unknown-linux-${CMAKE_MATCH_1}")
  endif()
  set(${out} "${target}" PARENT_SCOPE)
endfunction()

# Where a compiler that has more than one finds the system that it builds for.
function(easynet_sysroot out)
  set(${out} "" PARENT_SCOPE)
  if(CMAKE_SYSROOT AND CMAKE_C_COMPILE_OPTIONS_SYSROOT)
    set(${out} "${CMAKE_C_COMPILE_OPTIONS_SYSROOT}${CMAKE_SYSROOT}" PARENT_SCOPE)
  endif()
endfunction()

# What rustc is to tell the linker: what CMake tells it of shared libraries of its own.
function(easynet_link_arguments out)
  set(flags "${CMAKE_SHARED_LINKER_FLAGS}")
  if(CMAKE_CROSSCOMPILING)
    string(PREPEND flags "${CMAKE_C_FLAGS} ")
  endif()
  separate_arguments(words UNIX_COMMAND "${flags}")
  easynet_sysroot(sysroot)
  list(APPEND words ${sysroot})
  # What tells a compiler for many machines (clang) which one it links for.
  if(CMAKE_C_COMPILER_TARGET AND CMAKE_C_COMPILE_OPTIONS_TARGET)
    list(APPEND words "${CMAKE_C_COMPILE_OPTIONS_TARGET}${CMAKE_C_COMPILER_TARGET}")
  endif()
  list(TRANSFORM words PREPEND "-Clink-arg=")
  set(${out} ${words} PARENT_SCOPE)
endfunction()

# What cargo's environment is to be; with an empty `target` it builds for this machine. In a cross build
# the compiler links for Rust, too, and compiles what crates have in C, unless the environment says what
# does.
function(easynet_cargo_environment target out)
  # A job server that cargo cannot reach would only make it complain.
  set(environment --unset=MAKEFLAGS --unset=MFLAGS --unset=CARGO_MAKEFLAGS --unset=CARGO_BUILD_TARGET
                  "RUSTC=${EASYNET_RUSTC}")
  if(CMAKE_CROSSCOMPILING AND target)
    string(REPLACE "-" "_" name "${target}")
    string(TOUPPER "${name}" upper)
    foreach(variable IN ITEMS "CARGO_TARGET_${upper}_LINKER" "CC_${name}")
      if(NOT DEFINED ENV{${variable}})
        list(APPEND environment "${variable}=${CMAKE_C_COMPILER}")
      endif()
    endforeach()
    if(NOT DEFINED ENV{CFLAGS_${name}})
      easynet_sysroot(sysroot)
      list(APPEND environment "CFLAGS_${name}=${CMAKE_C_FLAGS} ${sysroot}")
    endif()
  endif()
  set(${out} ${environment} PARENT_SCOPE)
endfunction()

# The system's libraries that Rust's standard library needs in a static link, without the "-l". Cargo asks
# for them, not rustc alone: what RUSTFLAGS and its settings say may change them.
function(easynet_native_libraries target out)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/native-libraries")
  file(REMOVE_RECURSE "${folder}/made") # what is made already is not told again
  file(WRITE "${folder}/Cargo.toml" "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n"
                                    "[lib]\npath = \"empty.rs\"\n[workspace]\n")
  file(WRITE "${folder}/empty.rs"
       "#[cfg(all(target_env = \"musl\", target_feature = \"crt-static\"))]\n"
       "compile_error!(\"with musl there is a shared library only with RUSTFLAGS=-Ctarget-feature=-crt-static\");\n")
  set(platform)
  if(target)
    set(platform --target "${target}")
  endif()
  easynet_cargo_environment("${target}" environment)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${EASYNET_CARGO}" rustc --color=never --crate-type=staticlib
            "--manifest-path=${folder}/Cargo.toml" "--target-dir=${folder}/made" ${platform}
            -- --print native-static-libs
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    OUTPUT_VARIABLE said
    ERROR_VARIABLE said
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0 OR NOT said MATCHES "native-static-libs: ([^\r\n]+)")
    if(target)
      string(APPEND said "\nThe platform is ${target}; EASYNET_CARGO_TARGET may name another one.")
    endif()
    message(FATAL_ERROR "rustc did not say which libraries a static link needs: ${said}")
  endif()
  separate_arguments(libraries UNIX_COMMAND "${CMAKE_MATCH_1}")
  list(TRANSFORM libraries REPLACE "^-l" "")
  list(REMOVE_ITEM libraries c gcc_s) # every compiler driver adds them, or for -static what takes their place
  set(${out} ${libraries} PARENT_SCOPE)
endfunction()

# What cargo is told of TLS; nothing where all is as Cargo.toml has it.
function(easynet_tls_arguments out)
  if(NOT EASYNET_TLS_PROVIDER MATCHES "^(aws-lc-rs|ring)$")
    message(FATAL_ERROR "EASYNET_TLS_PROVIDER is \"${EASYNET_TLS_PROVIDER}\": give aws-lc-rs or ring")
  endif()
  set(arguments)
  if(NOT EASYNET_TLS)
    set(arguments --no-default-features)
  elseif(NOT EASYNET_TLS_PROVIDER STREQUAL "aws-lc-rs")
    set(arguments --no-default-features "--features=tls,${EASYNET_TLS_PROVIDER}")
  endif()
  set(${out} ${arguments} PARENT_SCOPE)
endfunction()

# The target easynet_cargo: builds both libraries for the platform `target`, and lays them, with their
# links, into `folder`.
function(easynet_build_crate target folder)
  # Debug builds are Rust's dev profile, all others its release profile.
  set(command rustc --lib --crate-type=cdylib,staticlib --locked
              "--target-dir=${EASYNET_CARGO_TARGET_DIR}"
              "--profile=$<IF:$<CONFIG:Debug>,dev,release>")
  set(made "${EASYNET_CARGO_TARGET_DIR}")
  if(target)
    list(APPEND command "--target=${target}")
    string(APPEND made "/${target}")
  endif()
  string(APPEND made "/$<IF:$<CONFIG:Debug>,debug,release>")
  easynet_tls_arguments(tls)
  list(APPEND command ${tls})
  if(EASYNET_CARGO_FEATURES)
    string(REPLACE ";" "," features "${EASYNET_CARGO_FEATURES}")
    list(APPEND command "--features=${features}")
  endif()
  list(APPEND command ${EASYNET_CARGO_FLAGS})
  # Thread-local destructors and resolver threads must outlive a dlclose.
  list(APPEND command -- -Clink-arg=-Wl,-soname,${EASYNET_SONAME} -Clink-arg=-Wl,-z,nodelete)
  easynet_link_arguments(link_arguments)
  list(APPEND command ${link_arguments})

  easynet_cargo_environment("${target}" environment)
  set(copy "${CMAKE_COMMAND}" -E copy_if_different)
  set(link "${CMAKE_COMMAND}" -E create_symlink)
  set(all)
  if(CMAKE_CURRENT_SOURCE_DIR STREQUAL CMAKE_SOURCE_DIR)
    set(all ALL)
  endif()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_target(
    easynet_cargo ${all}
    COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${EASYNET_CARGO}" ${command}
    COMMAND ${copy} "${made}/libeasynet.so" "${folder}/${EASYNET_FILE}"
    COMMAND ${copy} "${made}/libeasynet.a" "${folder}/libeasynet.a"
    COMMAND ${link} "${EASYNET_FILE}" "${folder}/${EASYNET_SONAME}"
    COMMAND ${link} "${EASYNET_SONAME}" "${folder}/libeasynet.so"
    BYPRODUCTS "${folder}/${EASYNET_FILE}" "${folder}/${EASYNET_SONAME}" "${folder}/libeasynet.so"
               "${folder}/libeasynet.a"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "Building easynet with cargo"
    USES_TERMINAL VERBATIM)
endfunction()
