# The imported targets: the same in the build tree and in the install tree, whose package
# configuration includes this file, too.

# FOLDER holds the libraries, INCLUDE the headers; FILE is the shared library, SONAME the name that
# programs remember.
function(easynet_add_shared folder include file soname)
  add_library(easynet::easynet_shared SHARED IMPORTED GLOBAL)
  set_target_properties(
    easynet::easynet_shared
    PROPERTIES IMPORTED_LOCATION "${folder}/${file}"
               IMPORTED_SONAME "${soname}"
               INTERFACE_INCLUDE_DIRECTORIES "${include}")
endfunction()

# The further arguments are the system's libraries that a static link needs.
function(easynet_add_static folder include)
  add_library(easynet::easynet_static STATIC IMPORTED GLOBAL)
  set_target_properties(
    easynet::easynet_static
    PROPERTIES IMPORTED_LOCATION "${folder}/libeasynet.a"
               IMPORTED_LINK_INTERFACE_LANGUAGES C
               INTERFACE_LINK_LIBRARIES "${ARGN}"
               INTERFACE_INCLUDE_DIRECTORIES "${include}")
endfunction()

# easynet::easynet is the shared library, unless BUILD_SHARED_LIBS is set and off, or there is only
# the other one.
function(easynet_add_default)
  set(kind shared)
  if((DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS AND TARGET easynet::easynet_static)
     OR NOT TARGET easynet::easynet_shared)
    set(kind static)
  endif()
  add_library(easynet::easynet ALIAS easynet::easynet_${kind})
endfunction()
