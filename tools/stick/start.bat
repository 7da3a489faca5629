@echo off
rem Windows: "start.bat install" installs, "start.bat" or a double click opens the notebooks.
setlocal
rem A double click in the view of a zip unpacks this file alone.
if not exist "%~dp0start.py" (
  echo start.py is missing: unpack the whole zip, then start in the folder that it makes.
  pause
  exit /b 1
)
rem "py" finds any Python from python.org. Where "python" is only an offer of the Store, it fails.
set "python=python"
py -@PYTHON@ -c pass >nul 2>nul && set "python=py -@PYTHON@"
%python% -c pass >nul 2>nul
if errorlevel 1 (
  echo Python is missing: install Python @PYTHON@ from python.org, then start again.
  pause
  exit /b 1
)
%python% "%~dp0start.py" %*
if errorlevel 1 (
  pause
  exit /b 1
)
