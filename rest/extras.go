package rest

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

// OpenAPI describes what this package serves.
//
//go:embed openapi.yaml
var OpenAPI []byte

// addExtras adds what Java has not: /openapi.yaml and /metrics.
func addExtras(e *echo.Echo, s *Server, metrics http.Handler, auth *basicAuth) {
	guarded := func(h echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if auth != nil {
				if ok, err := auth.allows(c.Request()); err != nil || !ok {
					return answerUnauthorized(c, "text/plain", err)
				}
			}
			return h(c)
		}
	}
	e.GET("/openapi.yaml", guarded(func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", OpenAPI)
	}))
	if metrics != nil {
		e.GET("/metrics", guarded(func(c echo.Context) error {
			metrics.ServeHTTP(c.Response(), c.Request())
			return nil
		}))
	}
}
