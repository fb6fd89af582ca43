"""Entry of demo/demo."""
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from demo.driver import main  # noqa: E402

sys.exit(main.main())
