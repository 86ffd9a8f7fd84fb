# Libraries, headers, the CMake package, the pkg-config file and the licences. All of it may be
# moved afterwards: nothing holds the prefix, but the pkg-config file the system's.

include(CMakePackageConfigHelpers)

set(EASYNET_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
set(EASYNET_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/easynet")

install(FILES "${EASYNET_BUILD_LIBDIR}/${EASYNET_FILE}" "${EASYNET_BUILD_LIBDIR}/${EASYNET_SONAME}"
              "${EASYNET_BUILD_LIBDIR}/libeasynet.so" "${EASYNET_BUILD_LIBDIR}/libeasynet.a"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(CMAKE_STRIP)
  # What `cmake --install --strip` does for libraries that CMake made itself.
  install(CODE "
    if(CMAKE_INSTALL_DO_STRIP)
      set(folder \"${CMAKE_INSTALL_LIBDIR}\")
      if(NOT IS_ABSOLUTE \"\${folder}\")
        set(folder \"\${CMAKE_INSTALL_PREFIX}/\${folder}\")
      endif()
      execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded
                              \"\$ENV{DESTDIR}\${folder}/${EASYNET_FILE}\"
                      RESULT_VARIABLE status)
      if(NOT status EQUAL 0)
        message(FATAL_ERROR \"could not strip ${EASYNET_FILE}\")
      endif()
    endif()")
endif()
install(FILES "${EASYNET_BUILD_INCLUDEDIR}/easynet.h" "${EASYNET_BUILD_INCLUDEDIR}/easynet.cdef.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES LICENSE LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY DESTINATION "${CMAKE_INSTALL_DOCDIR}")

configure_package_config_file(
  cmake/easynetConfig.cmake.in easynetConfig.cmake
  INSTALL_DESTINATION "${package}"
  PATH_VARS EASYNET_LIBDIR EASYNET_INCLUDEDIR
  NO_SET_AND_CHECK_MACRO)
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file(easynetConfigVersion.cmake COMPATIBILITY ${compatibility})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/easynetConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/easynetConfigVersion.cmake" cmake/EasynetTargets.cmake
        DESTINATION "${package}")

# A folder as the pkg-config file names it: within the prefix, unless it was set apart.
function(easynet_pc_folder out folder)
  if(NOT IS_ABSOLUTE "${folder}")
    string(PREPEND folder "\${prefix}/")
  endif()
  set(${out} "${folder}" PARENT_SCOPE)
endfunction()

# pkg-config knows the folders that the compiler searches anyway by their plain names, and leaves them out:
# said again, as system headers, they would hide those of C from C++.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(EASYNET_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(EASYNET_PC_PREFIX "\${pcfiledir}/${up}")
endif()
easynet_pc_folder(EASYNET_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
easynet_pc_folder(EASYNET_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
list(TRANSFORM EASYNET_NATIVE_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE private)
list(JOIN private " " EASYNET_PC_LIBS_PRIVATE)
configure_file(cmake/easynet.pc.in easynet.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/easynet.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
