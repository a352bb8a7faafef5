# SPDX-License-Identifier: MIT
# The test of cmake/version.cmake: which commit a build says it is, with and without git.
#
# In: SCRIPT, the script; WORK, a folder of its own.
set(hash 0123456789abcdef0123456789abcdef01234567)
file(REMOVE_RECURSE ${WORK})

# expect(<what> <eight digits> [<definition> ...]): what a build in ${WORK}/tree says.
function(expect what want)
    execute_process(
        COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${WORK}/tree -DOUTPUT=${WORK}/version.h
            -DVERSION=1.2.3 ${ARGN} -P ${WORK}/tree/cmake/version.cmake
        RESULT_VARIABLE failed ERROR_VARIABLE said)
    if(failed)
        message(FATAL_ERROR "${what}: ${said}")
    endif()
    file(READ ${WORK}/version.h text)
    if(NOT text MATCHES "RUBELLITE_GIT_SHA \"${want}\"")
        message(FATAL_ERROR "${what}: expected ${want}, got\n${text}")
    endif()
endfunction()

file(COPY ${SCRIPT} DESTINATION ${WORK}/tree/cmake)
expect("nothing tells" 00000000)
file(WRITE ${WORK}/tree/cmake/commit.txt "$Format:%H$\n")
expect("a commit.txt of a checkout" 00000000)
file(WRITE ${WORK}/tree/cmake/commit.txt "fedcba98${hash}\n")
expect("a commit.txt of an archive" fedcba98)

# What a container's build has of .git: git, if it is there, does not take it for a repository.
file(WRITE ${WORK}/tree/.git/HEAD "ref: refs/heads/some/branch\n")
file(WRITE ${WORK}/tree/.git/packed-refs "# pack-refs with: peeled\n\
11111111${hash} refs/heads/some\n${hash} refs/heads/some/branch\n^22222222${hash}\n")
expect("a packed branch" 01234567)
file(WRITE ${WORK}/tree/.git/refs/heads/some/branch "abcdef01${hash}\n")
expect("a branch" abcdef01)
file(WRITE ${WORK}/tree/.git/HEAD "33333333${hash}\n")
expect("no branch" 33333333)
expect("what the packager says" 44444444 "-DCOMMIT=4444444455")

execute_process(
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${WORK}/tree -DOUTPUT=${WORK}/version.h -DVERSION=1.2.3
        -DCOMMIT=release -P ${WORK}/tree/cmake/version.cmake
    RESULT_VARIABLE failed ERROR_VARIABLE said)
if(NOT failed OR NOT said MATCHES "expected a commit's hash")
    message(FATAL_ERROR "a commit that is none was taken: ${said}")
endif()
file(REMOVE_RECURSE ${WORK})
