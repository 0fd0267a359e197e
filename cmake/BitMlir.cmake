# Finds LLVM, MLIR and libonnx and defines bit_add_library, which every leaf of lib/ calls.

# Only the shared libraries MLIR and LLVM are linked: MLIR's static component libraries beside them would define every
# TypeID twice.
find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "expects LLVM and MLIR 22, got ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")
endif()
message(STATUS "MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

find_package(LLD REQUIRED CONFIG HINTS ${LLVM_DIR}/../lld)
find_package(Protobuf REQUIRED) # before ONNX, whose package file does not look for it
find_package(ONNX REQUIRED CONFIG)

# What the import converts every model to and the onnx dialect is generated from: the newest opset onnxruntime runs.
set(BIT_ONNX_OPSET 26)
set(BIT_ONNX_OP_SHARDS 8)

# NATIVE_COMMAND splits the definitions; passed as one string they break the ABI macro among them.
separate_arguments(BIT_LLVM_DEFINITIONS NATIVE_COMMAND ${LLVM_DEFINITIONS})

# What every C++ file of the compiler is compiled with.
add_library(bit_options INTERFACE)
target_include_directories(bit_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/include
  ${CMAKE_SOURCE_DIR}/runtime/include)
target_include_directories(bit_options SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_definitions(bit_options INTERFACE ${BIT_LLVM_DEFINITIONS} BIT_VERSION="${PROJECT_VERSION}"
  BIT_ONNX_OPSET=${BIT_ONNX_OPSET})
target_compile_options(bit_options INTERFACE -Wall -Wextra -Wno-unused-parameter -fno-semantic-interposition)
target_link_libraries(bit_options INTERFACE MLIR LLVM)

# All headers that TableGen writes; every library waits for all of them, so that no leaf lists what it includes.
add_custom_target(bit-headers)

if(BIT_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
  add_library(bit_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
  target_link_libraries(bit_pch PRIVATE bit_options)
  target_compile_options(bit_pch PRIVATE -fno-exceptions $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
  # By name, not by path: CMake writes it into a file, which has to be the same in all clones.
  target_include_directories(bit_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake)
  target_precompile_headers(bit_pch PRIVATE <Precompiled.h>)
endif()

# bit_add_library(NAME source... [LINK library...] [EXCEPTIONS])
# LINK says what the sources' includes say. EXCEPTIONS is for the one library that calls libonnx.
function(bit_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "EXCEPTIONS" "" "LINK")
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  bit_set_up_target(${name} ${ARG_EXCEPTIONS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# bit_add_tool(NAME source... [LINK library...])
function(bit_add_tool name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "LINK")
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  # -fPIC, not CMake's -fPIE for programs: a precompiled header serves only one of the two.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  bit_set_up_target(${name} FALSE)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

function(bit_set_up_target name exceptions)
  target_link_libraries(${name} PUBLIC bit_options)
  add_dependencies(${name} bit-headers)
  if(NOT exceptions)
    target_compile_options(${name} PRIVATE -fno-exceptions)
    if(BIT_PCH)
      target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake)
      target_precompile_headers(${name} REUSE_FROM bit_pch)
    endif()
  endif()
endfunction()
