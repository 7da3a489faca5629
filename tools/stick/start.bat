@echo off
rem Windows: "start.bat install" installs, "start.bat" or a double click opens the notebooks.
rem pushd also enters a folder of the network, which cd can't.
pushd "%~dp0"
where py >nul 2>nul
if %errorlevel% == 0 (
  py -@PYTHON@ start.py %*
) else (
  python start.py %*
)
if errorlevel 1 pause
popd
